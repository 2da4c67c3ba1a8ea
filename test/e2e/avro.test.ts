import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplication, Injectable, type Type } from '@nestjs/common';
import { avroSerde, KafkaListener, KafkaTemplate, Key, Payload } from '../../src/index.js';
import { until } from '../../src/testing/until.js';
import { startClientApp } from '../support/client-app.js';
import { type ClientBroker, createTopic, startClientBroker } from '../support/client-broker.js';
import { type RegistryDouble, startRegistry } from '../support/servers/schema-registry-double.js';

// Avro from a template to a listener, over our broker or over Apache Kafka, with the schemas in a registry double.

const PATIENT = { timeoutMs: 20_000, everyMs: 20 };
const V1 = {
  type: 'record',
  name: 'Order',
  fields: [{ name: 'id', type: 'string' }],
};
const V2 = { ...V1, fields: [...V1.fields, { name: 'note', type: 'string', default: 'none' }] };

let app: INestApplication | undefined;
let broker: ClientBroker;
let registry: RegistryDouble;

beforeEach(async () => {
  [broker, registry] = await Promise.all([startClientBroker(), startRegistry()]);
});
afterEach(async () => {
  await app?.close();
  app = undefined;
  await Promise.all([broker.stop(), registry.stop()]);
});

const serde = (schema: object, topics: readonly string[] = []) =>
  avroSerde({ 'schema.registry.url': registry.url, schema, topics });

/** An application whose listeners read into `reader`, by a provider that the configuration names. */
async function start(listener: Type, reader: object): Promise<KafkaTemplate> {
  const providers = [listener, { provide: 'OrderAvro', useFactory: () => serde(reader) }];
  app = await startClientApp(
    broker,
    { providers },
    { properties: { 'kafka.consumer.value-deserializer': 'OrderAvro' } },
  );
  return app.get(KafkaTemplate);
}

/** A listener that keeps what it got. */
function listener(topic: string, seen: unknown[], onError?: (error: unknown) => void): Type {
  @Injectable()
  class Listener {
    @KafkaListener({ topics: topic, groupId: `g-${topic}`, ...(onError && { errorHandler: onError }) })
    single(@Payload() order: object) {
      seen.push({ ...order });
    }
  }
  return Listener;
}

describe('Avro', () => {
  it('goes from a new writer to an old reader and back', async () => {
    const topic = await createTopic(broker.address, 1);
    const seen: unknown[] = [];
    const Listener = listener(topic, seen);
    const template = await start(Listener, V1);
    const [old, young] = [await serde(V1, [topic]), await serde(V2, [topic])];
    const oldTemplate = template.withSerializers<object>({ value: old });
    const youngTemplate = template.withSerializers<object>({ value: young });
    await oldTemplate.send(topic, 'k', { id: 'a' });
    await youngTemplate.send(topic, 'k', { id: 'b', note: 'x' });
    await oldTemplate.send(topic, 'k', { id: 'c' });
    await until(() => seen.length === 3, PATIENT);
    expect(seen).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
    await expect(youngTemplate.send(topic, 'k', { id: 7 })).rejects.toMatchObject({
      code: 'KAFKA_SERIALIZATION_FAILED',
      message: expect.stringContaining(`topic ${topic} does not fit schema id 2 of subject ${topic}-value: id: 7`),
    });
  });

  it('reaches batches whole, old records with what new readers fill in', async () => {
    const topic = await createTopic(broker.address, 1);
    const seen: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: topic, groupId: `g-${topic}`, batch: true })
      many(@Payload() orders: object[]) {
        for (const order of orders) seen.push({ ...order });
      }
    }
    const template = await start(Listener, V2);
    const [old, young] = [await serde(V1, [topic]), await serde(V2, [topic])];
    await Promise.all([
      template.withSerializers<object>({ value: old }).send(topic, 'k', { id: 'a' }),
      template.withSerializers<object>({ value: young }).send(topic, 'k', { id: 'b', note: 'x' }),
    ]);
    await until(() => seen.length === 2, PATIENT);
    expect(seen).toEqual(
      expect.arrayContaining([
        { id: 'a', note: 'none' },
        { id: 'b', note: 'x' },
      ]),
    );
  });

  it('reads keys, each by a schema of its own', async () => {
    const topic = await createTopic(broker.address, 1);
    const keys = { schema: '"string"', isKey: true, 'schema.registry.url': registry.url };
    const seen: unknown[] = [];
    const keyDeserializer = await avroSerde(keys);
    @Injectable()
    class Listener {
      @KafkaListener({ topics: topic, groupId: `g-${topic}`, keyDeserializer })
      single(@Payload() order: object, @Key() key: string) {
        seen.push(key, { ...order });
      }
    }
    const template = await start(Listener, V1);
    const key = await avroSerde({ ...keys, topics: [topic] });
    await template.withSerializers<object>({ key, value: await serde(V1, [topic]) }).send(topic, 'me', { id: 'a' });
    await until(() => seen.length > 0, PATIENT);
    expect(seen).toEqual(['me', { id: 'a' }]);
    expect(registry.asked.filter((one) => one.startsWith('GET'))).toHaveLength(2);
  });

  it('keeps an application from starting whose schema is incompatible', async () => {
    registry.register('orders-value', V1);
    const fields = [...V1.fields, { name: 'owed', type: 'long' }];
    const providers = [{ provide: 'OrderAvro', useFactory: () => serde({ ...V1, fields }, ['orders']) }];
    await expect(startClientApp(broker, { providers })).rejects.toThrow(
      /topic orders: subject orders-value: .* 409 Schema being registered is incompatible/,
    );
  });

  it('is delivered again while the registry is away, and nothing is lost', async () => {
    const topic = await createTopic(broker.address, 1);
    const seen: unknown[] = [];
    const failures: unknown[] = [];
    const Listener = listener(topic, seen, (error: unknown) => {
      failures.push(error);
      registry.failing = undefined;
      throw error;
    });
    const written = await serde(V1, [topic]);
    registry.failing = 503;
    const template = await start(Listener, V1);
    await template.withSerializers<object>({ value: written }).send(topic, 'k', { id: 'a' });
    await until(() => seen.length === 1, PATIENT);
    expect(seen).toEqual([{ id: 'a' }]);
    expect(failures).toEqual([
      expect.objectContaining({
        code: 'KAFKA_SCHEMA_REGISTRY_FAILED',
        retriable: true,
        message: expect.stringContaining(`the value of ${topic}-0@0 cannot be read yet: schema id 1: `),
      }),
    ]);
  });

  it('fails a record for good whose schema nobody knows, and goes on', async () => {
    const topic = await createTopic(broker.address, 1);
    const seen: unknown[] = [];
    const failures: unknown[] = [];
    const Listener = listener(topic, seen, (error: unknown) => {
      failures.push(error);
    });
    const template = await start(Listener, V1);
    await template.send(topic, 'k', Buffer.of(0, 0, 0, 0, 99, 2, 97));
    await template.withSerializers<object>({ value: await serde(V1, [topic]) }).send(topic, 'k', { id: 'b' });
    await until(() => seen.length === 1, PATIENT);
    expect(seen).toEqual([{ id: 'b' }]);
    expect(failures).toEqual([
      expect.objectContaining({
        code: 'KAFKA_DESERIALIZATION_FAILED',
        message: expect.stringContaining(`the value of ${topic}-0@0 (7 bytes) cannot be read: schema id 99: `),
      }),
    ]);
  });
});
