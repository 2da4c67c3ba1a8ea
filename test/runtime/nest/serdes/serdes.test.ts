import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type Type } from '@nestjs/common';
import { IsPositive } from 'class-validator';
import {
  KafkaHandler,
  KafkaListener,
  type KafkaListenerOptions,
  type KafkaModuleOptions,
  type KafkaSerializer,
  KafkaTemplate,
  Key,
  OutgoingHeaders,
  Payload,
  Serdes,
} from '../../../../src/index.js';
import { type Outcome } from '../../../../src/runtime/listener/listener-endpoint.js';
import { callHandler, type GivenRecord } from '../../../support/handler-calls.js';
import { type KafkaApp, startApp } from '../../../support/kafka-app.js';

// Serializers and deserializers as the configuration, the decorators and the records choose them.

class Order {
  id!: string;

  @IsPositive()
  amount!: number;
}

class Refund {
  id!: string;
}

let running: KafkaApp | undefined;

afterEach(async () => {
  await running?.app.close();
  running = undefined;
});

const header = (key: string, value: string) => ({ key, value: Buffer.from(value) });

async function sent(
  properties: Record<string, string>,
  more: Partial<KafkaModuleOptions> = {},
  providers: Type[] = [],
) {
  running = await startApp({ providers }, properties, more);
  const { producer, app } = running;
  return { template: app.get<KafkaTemplate>(KafkaTemplate), producer };
}

/** Runs records through a listener with these options; gives the payloads it got, or the failure. */
async function received(
  options: Omit<KafkaListenerOptions, 'topics'>,
  given: GivenRecord,
  { properties = {}, module = {} }: { properties?: Record<string, string>; module?: Partial<KafkaModuleOptions> } = {},
) {
  const seen: unknown[] = [];
  @Injectable()
  class Listener {
    @KafkaListener({ topics: 'orders', id: 'it', ...options })
    handle(@Payload() payload: unknown, @Key() key: unknown): void {
      seen.push(payload, key);
    }
  }
  running = await startApp({ providers: [Listener] }, properties, module);
  const outcome = await callHandler(running.app, 'it', given);
  return { payload: seen[0], key: seen[1], error: (outcome as Extract<Outcome, { status: 'failed' }>).error };
}

describe('serializers of the template', () => {
  it('are chosen by the names of Java, for keys and values', async () => {
    const { template, producer } = await sent({
      'spring.kafka.producer.key-serializer': 'org.apache.kafka.common.serialization.LongSerializer',
      'spring.kafka.producer.value-serializer': 'DoubleSerializer',
    });
    await template.send('t', 7, 1.5);
    expect(producer.sent[0]).toMatchObject({
      key: Buffer.of(0, 0, 0, 0, 0, 0, 0, 7),
      value: Buffer.from('3ff8000000000000', 'hex'),
    });
    await expect(template.send('t', 7, 'x')).rejects.toMatchObject({
      code: 'KAFKA_SERIALIZATION_FAILED',
      message: 'the value for topic t is a string; give a number',
    });
    await expect(template.send('t', 'k' as never, 1)).rejects.toThrow('the key for topic t is a string');
    expect(producer.sent).toHaveLength(1);
  });

  it('write text in the encoding that is asked for, and refuse what it cannot write', async () => {
    const { template, producer } = await sent({
      'spring.kafka.producer.value-serializer': 'org.apache.kafka.common.serialization.StringSerializer',
      'spring.kafka.producer.key-serializer': 'StringSerializer',
      'spring.kafka.producer.properties.serializer.encoding': 'ISO-8859-1',
      'spring.kafka.producer.properties.key.serializer.encoding': 'UTF-16LE',
    });
    await template.send('t', 'é', 'é');
    expect(producer.sent[0]).toMatchObject({ key: Buffer.of(0xe9, 0), value: Buffer.of(0xe9) });
    await expect(template.send('t', 'k', '€')).rejects.toThrow(
      'the value for topic t is a string; give text that ISO-8859-1 has letters for',
    );
  });

  it('name the classes of the application as Spring does', async () => {
    const { template, producer } = await sent({}, { types: { 'com.acme.Order': Order } });
    await template.send({ topic: 't', value: Object.assign(new Order(), { id: 'a' }), headers: { own: 'x' } });
    await template.send('t', [new Order()]);
    await template.send('t', { id: 'plain' });
    await template.send('t', 'text');
    const headers = producer.sent.map((record) => record.headers?.map(({ key, value }) => `${key}=${String(value)}`));
    expect(headers).toEqual([
      ['own=x', '__TypeId__=com.acme.Order'],
      ['__TypeId__=java.util.ArrayList', '__ContentTypeId__=com.acme.Order'],
      undefined,
      undefined,
    ]);
  });

  it('map classes by tokens of a property file', async () => {
    const { template, producer } = await sent(
      { 'spring.kafka.producer.properties.spring.json.type.mapping': 'order:com.acme.Order' },
      { types: [Order] },
    );
    await template.send('t', new Order());
    expect(String(producer.sent[0]!.headers![0]!.value)).toBe('order');
  });

  it('are providers of the application, by class or by a token such as a Java name', async () => {
    const told: unknown[] = [];
    @Injectable()
    class ReversedText implements KafkaSerializer<string> {
      configure(properties: { get(name: string): unknown }, isKey: boolean) {
        told.push(properties.get('producer.acks'), isKey);
      }
      serialize(topic: string, value: string, headers: OutgoingHeaders) {
        headers.add('made-for', topic);
        if (value === 'bad') throw new Error('no such text');
        return Buffer.from(value.split('').reverse().join(''));
      }
      close() {
        told.push('closed');
      }
    }
    const { template, producer } = await sent({ 'kafka.producer.value-serializer': 'ReversedText' }, {}, [
      ReversedText,
    ]);
    await template.send('t', 'abc');
    expect([String(producer.sent[0]!.value), String(producer.sent[0]!.headers![0]!.value)]).toEqual(['cba', 't']);
    await expect(template.send('t', 'bad')).rejects.toThrow(
      'the value for topic t (a string) cannot be serialized: no such text',
    );
    await running!.app.close();
    running = undefined;
    expect(told).toEqual(['all', false, 'closed']);
  });

  it("may be another template's own, or those of a named producer", async () => {
    const { template, producer } = await sent({ 'kafka.producers.bulk.value-serializer': 'IntegerSerializer' });
    const numbers = template.withSerializers<number>({
      key: Serdes.uuid,
      value: { serialize: (_topic, value) => Buffer.of(value) },
    });
    await numbers.send('t', '550E8400-E29B-41D4-A716-446655440000', 7);
    await expect(numbers.send('t', 'no uuid', 7)).rejects.toThrow('the key for topic t is a string; give a UUID');
    await template.withProducer('bulk').send('t', 'k', 7);
    await template.send('t', 'k', 7);
    expect(producer.sent.map(({ key, value }) => [String(key), value!.toString('hex')])).toEqual([
      ['550e8400-e29b-41d4-a716-446655440000', '07'],
      ['k', '00000007'],
      ['k', '37'],
    ]);
  });

  it('are refused at start when nobody knows them, with what there is', async () => {
    const start = sent({
      'kafka.producer.value-serializer': 'com.acme.OrderSerializer',
      'kafka.producer.key-serializer': 'integr',
    });
    await expect(start).rejects.toMatchObject({ code: 'KAFKA_CONFIG_INVALID' });
    await expect(start).rejects.toThrow(
      /value-serializer=com\.acme\.OrderSerializer: no serializer com\.acme\.OrderSerializer; known: json, string/,
    );
    await expect(start).rejects.toThrow(/a provider whose class has that name/);
    await expect(start).rejects.toThrow(/no serializer integr; did you mean integer\?/);
  });

  it.each([
    ['value-serializer', 'io.confluent.kafka.serializers.KafkaAvroSerializer', 'Avro is what avroSerde({ … }) makes'],
    [
      'key-serializer',
      'org.apache.kafka.common.serialization.LongDeserializer',
      'did you mean org.apache.kafka.common.serialization.LongSerializer?',
    ],
  ])('are told what is meant where %s is %s', async (key, name, meant) => {
    await expect(sent({ [`kafka.producer.${key}`]: name })).rejects.toThrow(
      `=${name}: no serializer ${name}; ${meant}`,
    );
  });

  it('are refused where a name stands for them by topic or by header, at the key that says so', async () => {
    const bytopic = 'kafka.producer.properties.spring.kafka.value.serialization.bytopic';
    const selector = 'kafka.producer.properties.spring.kafka.key.serialization.selector.config';
    const start = sent({
      'kafka.producer.value-serializer': 'by-topic',
      [`${bytopic}.config`]: '(:json, orders:jsno',
      [`${bytopic}.default`]: 'byte',
      'kafka.producer.key-serializer': 'by-header',
      [selector]: 'id:uid',
    });
    for (const mistake of [
      `${bytopic}.config=(: no regular expression`,
      `${bytopic}.config=jsno: no serializer jsno; did you mean json?`,
      `${bytopic}.default=byte: no serializer byte; did you mean bytes?`,
      `${selector}=uid: no serializer uid; did you mean uuid?`,
    ]) {
      await expect(start).rejects.toThrow(`  - the object given to KafkaModule: ${mistake}`);
    }
  });

  it('are refused at start when a type is mapped that the application does not have', async () => {
    const start = sent({ 'kafka.producer.properties.spring.json.type.mapping': 'order:com.acme.Order' });
    await expect(start).rejects.toThrow(
      'the object given to KafkaModule: kafka.producer.properties.spring.json.type.mapping=order:com.acme.Order: no class ' +
        'of that name',
    );
  });

  it('are chosen by topic and by header', async () => {
    const { template, producer } = await sent({
      'kafka.producer.value-serializer': 'org.springframework.kafka.support.serializer.DelegatingByTopicSerializer',
      'kafka.producer.properties.spring.kafka.value.serialization.bytopic.config':
        'counts-.*:IntegerSerializer, raw:bytes',
      'kafka.producer.properties.spring.kafka.value.serialization.bytopic.default': 'json',
      'kafka.producer.key-serializer': 'DelegatingSerializer',
      'kafka.producer.properties.spring.kafka.key.serialization.selector.config': 'id:uuid',
    });
    await template.send('counts-a', 'k', 1);
    await template.send({
      topic: 'other',
      key: '550E8400-E29B-41D4-A716-446655440000',
      value: 'x',
      headers: { 'spring.kafka.key.serialization.selector': 'id' },
    });
    expect(producer.sent.map(({ key, value }) => [String(key), value!.toString('latin1')])).toEqual([
      ['k', '\0\0\0\x01'],
      ['550e8400-e29b-41d4-a716-446655440000', '"x"'],
    ]);
  });
});

describe('deserializers of listeners', () => {
  it('are chosen by the configuration, by properties of the listener, or by the listener', async () => {
    const long = Buffer.of(0, 0, 0, 0, 0, 0, 0, 9);
    const properties = {
      'kafka.consumer.value-deserializer': 'LongDeserializer',
      'kafka.consumer.key-deserializer': 'IntegerDeserializer',
    };
    const key = Buffer.of(0, 0, 0, 1);
    expect(await received({}, { value: long, key }, { properties })).toMatchObject({ payload: 9, key: 1 });
    await running!.app.close();
    const double = Buffer.from('3ff8000000000000', 'hex');
    expect(
      await received({ properties: { 'value.deserializer': 'double' } }, { value: double, key }, { properties }),
    ).toMatchObject({ payload: 1.5, key: 1 });
    await running!.app.close();
    expect(
      await received(
        { valueDeserializer: Serdes.uuid, keyDeserializer: (_topic: string, bytes: Buffer) => bytes.length },
        { value: '550e8400-e29b-41d4-a716-446655440000', key },
        { properties },
      ),
    ).toMatchObject({ payload: '550e8400-e29b-41d4-a716-446655440000', key: 4 });
    await running!.app.close();
    expect((await received({}, { value: null }, { properties })).payload).toBeNull();
  });

  it('read text in the encoding that is asked for', async () => {
    const of = async (encoding: string, value: Buffer) => {
      const properties = {
        'kafka.consumer.value-deserializer': 'StringDeserializer',
        'kafka.consumer.properties.value.deserializer.encoding': encoding,
      };
      const { payload } = await received({}, { value, key: Buffer.from('é') }, { properties });
      await running!.app.close();
      return payload;
    };
    expect(await of('latin1', Buffer.of(0xe9))).toBe('é');
    expect(await of('utf-16le', Buffer.of(0xe9, 0))).toBe('é');
    expect(await of('US-ASCII', Buffer.of(0x41, 0xe9))).toBe('A\ufffd');
    expect(await of('UTF8', Buffer.from('é'))).toBe('é');
  });

  it('fail the record for good, with its raw bytes', async () => {
    const { error } = await received(
      { valueDeserializer: 'IntegerDeserializer' },
      { value: Buffer.from('abc'), offset: 7, headers: [header('a', 'b')] },
    );
    expect(error).toMatchObject({
      code: 'KAFKA_DESERIALIZATION_FAILED',
      isKey: false,
      data: Buffer.from('abc'),
      topic: 'orders',
      message: 'the value of orders-0@7 (3 bytes) cannot be read: an int has 4 bytes, not 3',
    });
    await running!.app.close();
    const ofKey = await received({ keyDeserializer: 'long' }, { value: '1', key: Buffer.from('k') });
    expect(ofKey.error).toMatchObject({ isKey: true, data: Buffer.from('k') });
  });

  it('stand behind an ErrorHandlingDeserializer', async () => {
    const properties = {
      'kafka.consumer.value-deserializer': 'org.springframework.kafka.support.serializer.ErrorHandlingDeserializer',
      'kafka.consumer.properties.spring.deserializer.value.delegate.class':
        'org.apache.kafka.common.serialization.ShortDeserializer',
    };
    expect((await received({}, { value: Buffer.of(1, 2) }, { properties })).payload).toBe(258);
    await running!.app.close();
    const unread = await received({}, { value: Buffer.of(1, 2, 3) }, { properties });
    expect(unread.payload).toBeUndefined();
    expect(unread.error).toMatchObject({
      code: 'KAFKA_DESERIALIZATION_FAILED',
      isKey: false,
      data: Buffer.of(1, 2, 3),
    });
  });

  it('make an instance of what the record says it is', async () => {
    const module = { types: { order: Order, 'com.acme.Refund': Refund } };
    const of = async (type: string, value: unknown, content?: string) => {
      const headers = [header('__TypeId__', type), ...(content ? [header('__ContentTypeId__', content)] : [])];
      const result = await received({}, { value, headers }, { module });
      await running!.app.close();
      return result;
    };
    expect((await of('order', { id: 'a', amount: 1 })).payload).toBeInstanceOf(Order);
    expect((await of('com.acme.Refund', { id: 'a' })).payload).toBeInstanceOf(Refund);
    expect((await of('java.util.ArrayList', [{ id: 'a' }], 'com.acme.Refund')).payload).toEqual([expect.any(Refund)]);
    expect((await of('order', { id: 'a', amount: -1 })).error).toMatchObject({ code: 'KAFKA_VALIDATION_FAILED' });
    expect((await of('com.acme.Other', { id: 'a' })).payload).toEqual({ id: 'a' });
  });

  it('take no name of a package that is not trusted', async () => {
    const options = {
      properties: { 'kafka.consumer.properties.spring.json.trusted.packages': 'com.acme' },
      module: { types: { order: Order } },
    };
    const of = (name: string) => received({}, { value: {}, headers: [header('__TypeId__', name)] }, options);
    expect((await of('com.evil.Gadget')).error).toMatchObject({
      code: 'KAFKA_DESERIALIZATION_FAILED',
      message: expect.stringContaining('com.evil is not trusted: add it to spring.json.trusted.packages'),
    });
  });

  it('are refused at start when a default type is named that the application does not have', async () => {
    const key = 'kafka.consumer.properties.spring.json.value.default.type';
    const properties = { [key]: 'com.acme.Nobody', 'kafka.consumer.max-poll-records': '0' };
    const start = received({}, { value: '{}' }, { properties });
    await expect(start).rejects.toThrow(
      `the object given to KafkaModule: ${key}=com.acme.Nobody: no class is called so; give it one: KafkaModule.forRoot({ types: { 'com.acme.Nobody': … } })`,
    );
    await expect(start).rejects.toThrow('2 mistakes');
  });

  it('fall back to a default type, or ignore what records say', async () => {
    const properties = {
      'kafka.consumer.properties.spring.json.use.type.headers': 'false',
      'kafka.consumer.properties.spring.json.value.default.type': 'Refund',
    };
    const module = { types: [Order, Refund] };
    const result = await received({}, { value: {}, headers: [header('__TypeId__', 'Order')] }, { properties, module });
    expect(result.payload).toBeInstanceOf(Refund);
  });

  it('make instances of JSON keys too', async () => {
    const properties = {
      'kafka.consumer.key-deserializer': 'JsonDeserializer',
      'kafka.consumer.properties.spring.json.key.default.type': 'Refund',
    };
    const module = { types: [Order, Refund] };
    const key = Buffer.from('{"id":"k"}');
    const named = [header('__Key_TypeId__', 'Order')];
    expect((await received({}, { value: {}, key, headers: named }, { properties, module })).key).toBeInstanceOf(Order);
    await running!.app.close();
    expect((await received({}, { value: {}, key }, { properties, module })).key).toEqual(
      Object.assign(new Refund(), { id: 'k' }),
    );
    await running!.app.close();
    const plain = { 'kafka.consumer.key-deserializer': 'json' };
    expect((await received({}, { value: {}, key: Buffer.from('7') }, { properties: plain })).key).toBe(7);
  });

  it('are chosen by the content type of the record', async () => {
    const options = {
      contentTypeConverter: { 'application/json': 'json', 'text/plain': 'string', 'application/x-int': Serdes.integer },
    };
    const of = async (type: string | undefined, value: unknown) => {
      const headers = type === undefined ? [] : [header('contentType', type)];
      const { payload } = await received(options, { value, headers });
      await running!.app.close();
      return payload;
    };
    expect(await of('"application/json; charset=utf-8"', '{"a":1}')).toEqual({ a: 1 });
    expect(await of('text/plain', '{"a":1}')).toBe('{"a":1}');
    expect(await of('Application/X-Int', Buffer.of(0, 0, 0, 5))).toBe(5);
    expect(await of(undefined, 'raw')).toEqual(Buffer.from('raw'));
  });

  it('find the method of a class by the name that its payload has on the wire', async () => {
    const seen: unknown[] = [];
    @Injectable()
    @KafkaListener({ topics: 'orders', id: 'class' })
    class Listener {
      @KafkaHandler()
      placed(order: Order) {
        seen.push(order);
      }
      @KafkaHandler()
      refunded(refund: Refund) {
        seen.push(refund);
      }
    }
    running = await startApp({ providers: [Listener] }, {}, { types: { o: Order, r: Refund } });
    for (const [type, value] of [
      ['r', { id: 'x' }],
      ['o', { id: 'y', amount: 1 }],
    ] as const) {
      await callHandler(running.app, 'class', { value, headers: [header('__TypeId__', type)] });
    }
    expect(seen).toEqual([expect.any(Refund), expect.any(Order)]);
  });

  it('are refused at start where a decorator names none', async () => {
    await expect(received({ valueDeserializer: 'intger' }, { value: '1' })).rejects.toThrow(
      /@KafkaListener of Listener.handle: valueDeserializer=intger: no deserializer intger; did you mean integer\?/,
    );
  });
});
