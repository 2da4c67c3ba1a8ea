import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesOfData } from '../../../../src/common/record.js';
import {
  headerDeserializer,
  headerSerializer,
  JsonTypes,
  jsonSerializer,
  OutgoingHeaders,
  Serdes,
  type Serializer,
  topicDeserializer,
  topicSerializer,
  typeSerializer,
  type ValueType,
} from '../../../../src/index.js';
import { ofKeys, ofValues } from '../../../../src/runtime/template/serializers.js';

const none = () => new OutgoingHeaders();
const roundTrip = (serde: { serializer: Serializer<any>; deserializer: (t: string, b: Buffer, h: []) => unknown }) => {
  return (value: unknown) => serde.deserializer('t', bytesOfData(serde.serializer('t', value, none()))!, []);
};

describe('serdes', () => {
  it('give back what they were given', () => {
    expect(roundTrip(Serdes.integer)(7)).toBe(7);
    fc.assert(fc.property(fc.integer(), (n) => roundTrip(Serdes.integer)(n) === n));
    fc.assert(fc.property(fc.integer({ min: -32768, max: 32767 }), (n) => roundTrip(Serdes.short)(n) === n));
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        (n) => BigInt(roundTrip(Serdes.long)(n) as bigint) === n,
      ),
    );
    fc.assert(fc.property(fc.double(), (n) => Object.is(roundTrip(Serdes.double)(n), n)));
    fc.assert(fc.property(fc.float(), (n) => Object.is(roundTrip(Serdes.float)(n), n)));
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => roundTrip(Serdes.string)(text) === text));
    fc.assert(fc.property(fc.uuid(), (text) => roundTrip(Serdes.uuid)(text) === text));
    const values = fc.jsonValue().filter((value) => value !== null);
    fc.assert(fc.property(values, (value) => JSON.stringify(roundTrip(Serdes.json)(value)) === JSON.stringify(value)));
  });

  it.each([
    [Serdes.integer, 2 ** 31, 'the value for topic t is the number 2147483648; give a whole number from -2147483648'],
    [Serdes.integer, 1.5, 'give a whole number'],
    [Serdes.short, 40_000, 'give a whole number from -32768'],
    [Serdes.long, 2 ** 60, 'give a whole number of 64 bits (a bigint beyond 2^53)'],
    [Serdes.long, 2n ** 63n, 'give a whole number of 64 bits'],
    [Serdes.double, '1', 'is a string; give a number'],
    [Serdes.boolean, 1, 'give true or false'],
    [Serdes.uuid, 'x', 'give a UUID such as'],
    [Serdes.string, { a: 1 }, 'the value for topic t is Object; give a string'],
    [Serdes.bytes, 'x', 'give bytes'],
    [Serdes.void, 'x', 'give null'],
    [Serdes.text, {}, 'something that has a text'],
  ])('refuse what they do not take, with topic and type: %#', (serde, value, message) => {
    expect(() => ofValues(serde.serializer as Serializer)('t', value, none())).toThrow(
      expect.objectContaining({ code: 'KAFKA_SERIALIZATION_FAILED', message: expect.stringContaining(message) }),
    );
  });

  it('say that it was the key, and what another class threw', () => {
    expect(() => ofKeys(Serdes.integer.serializer as Serializer)('t', 'x', none())).toThrow(
      'the key for topic t is a string',
    );
    const broken: Serializer = () => {
      throw new Error('no schema');
    };
    expect(() => ofValues(broken)('t', new Date(0), none())).toThrow(
      'the value for topic t (Date) cannot be serialized: no schema',
    );
    expect(() => ofValues(Serdes.json.serializer)('t', undefined, none())).toThrow(
      'the value for topic t is undefined',
    );
    expect(ofKeys(Serdes.integer.serializer as Serializer)('t', undefined, none())).toBeNull();
  });

  it.each([
    [Serdes.integer, Buffer.alloc(3), 'an int has 4 bytes, not 3'],
    [Serdes.boolean, Buffer.of(2), 'the byte 0 or 1, not 2'],
    [Serdes.uuid, Buffer.from('x'), 'is no UUID'],
    [Serdes.void, Buffer.of(1), 'there are 1 bytes'],
  ])('refuse bytes of another format: %#', (serde, bytes, message) => {
    expect(() => serde.deserializer('t', bytes, [])).toThrow(message);
  });
});

describe('delegates', () => {
  it('are chosen by topic, whose whole name a pattern describes', () => {
    const serialize = topicSerializer({
      byTopic: [
        [/counts/, Serdes.integer.serializer as Serializer],
        [/count.*/, Serdes.string.serializer as Serializer],
      ],
    });
    expect(serialize('counts', 1, none())).toEqual(Buffer.of(0, 0, 0, 1));
    expect(serialize('counts-old', '1', none())).toBe('1');
    expect(() => serialize('discounts', '1', none())).toThrow('no pattern has a serializer for topic discounts');
    const read = topicDeserializer({ byTopic: [], otherwise: Serdes.string.deserializer });
    expect(read('x', Buffer.from('y'), [])).toBe('y');
  });

  it('are chosen by the class of the value, then by those it extends', () => {
    class Base {}
    class Sub extends Base {}
    const of =
      (text: string): Serializer =>
      () =>
        Buffer.from(text);
    const serialize = typeSerializer(
      new Map<ValueType, Serializer>([
        [Base, of('base')],
        [Uint8Array, Serdes.bytes.serializer as Serializer],
        ['number', Serdes.double.serializer as Serializer],
      ]),
    );
    expect(serialize('t', new Sub(), none())).toEqual(Buffer.from('base'));
    expect(serialize('t', Buffer.from('x'), none())).toEqual(Buffer.from('x'));
    expect(serialize('t', 1, none())).toHaveLength(8);
    expect(() => ofValues(serialize)('t', 'x', none())).toThrow('give one of the types that have a serializer: Base');
  });

  it('are chosen by header, and recognised where there is none', () => {
    const serialize = headerSerializer({ int: Serdes.integer.serializer as Serializer });
    const written = (value: unknown) => {
      const headers = none();
      serialize('t', value, headers);
      return String(headers.last('spring.kafka.serialization.selector'));
    };
    expect([1, 2 ** 40, 1.5, 5n, true, Buffer.of(1), 'x'].map(written)).toEqual([
      'java.lang.Integer',
      'java.lang.Long',
      'java.lang.Double',
      'java.lang.Long',
      'java.lang.Boolean',
      '[B',
      'java.lang.String',
    ]);
    expect(() => ofValues(serialize)('t', {}, none())).toThrow('together with the header');
    const read = headerDeserializer({ int: Serdes.integer.deserializer });
    const selected = (name: string) => [{ key: 'spring.kafka.serialization.selector', value: Buffer.from(name) }];
    expect(read('t', Buffer.of(0, 0, 0, 7), selected('int'))).toBe(7);
    expect(read('t', Buffer.of(0, 0, 0, 7), selected('java.lang.Integer'))).toBe(7);
    expect(read('t', Buffer.of(1), selected('unknown'))).toEqual(Buffer.of(1));
    expect(() => read('t', Buffer.of(1), [])).toThrow('no header spring.kafka.serialization.selector');
  });
});

describe('types of JSON', () => {
  class Order {}
  class Refund {}

  it('have names both ways, of which the first is written', () => {
    const types = new JsonTypes({
      types: { order: Order, 'com.acme.Order': Order },
      mapping: 'refund : com.acme.Order',
    });
    expect([types.idOf(Order), types.idsOf(Order)]).toEqual(['refund', ['refund', 'order', 'com.acme.Order']]);
    expect(types.classOf('com.acme.Order')).toBe(Order);
    expect(types.idOf(Refund)).toBeUndefined();
  });

  it('are mapped to classes by their names, or the last part of what Java calls them', () => {
    const types = new JsonTypes({ types: [Order, Refund], mapping: 'o:com.acme.api.Order, r:Refund, x:Missing' });
    expect([types.classOf('o'), types.classOf('r'), types.unknown]).toEqual([Order, Refund, ['x:Missing']]);
  });

  it('trust packages, not those below them', () => {
    const types = new JsonTypes({ types: { order: Order }, trustedPackages: ['com.acme'] });
    expect(types.untrustedPackage('com.acme.Order')).toBeUndefined();
    expect(types.untrustedPackage('java.util.ArrayList')).toBeUndefined();
    expect(types.untrustedPackage('order')).toBeUndefined();
    expect(types.untrustedPackage('com.acme.sub.Order')).toBe('com.acme.sub');
    expect(new JsonTypes({ trustedPackages: ['*'] }).untrustedPackage('a.B')).toBeUndefined();
  });

  it('are written only where there is a name, or where every class is', () => {
    const written = (addTypeHeaders: 'mapped' | 'true' | 'false', value: unknown) => {
      const headers = new OutgoingHeaders([{ key: '__TypeId__', value: Buffer.from('old') }]);
      jsonSerializer({ types: new JsonTypes({ types: { order: Order } }), addTypeHeaders })('t', value, headers);
      return headers.all.map(({ value: text }) => String(text));
    };
    expect(written('mapped', new Order())).toEqual(['order']);
    expect(written('mapped', new Refund())).toEqual(['old']);
    expect(written('true', new Refund())).toEqual(['Refund']);
    expect(written('true', { a: 1 })).toEqual(['old']);
    expect(written('false', new Order())).toEqual(['old']);
  });

  it('lets another library make what JSON is written of', () => {
    const serialize = jsonSerializer({ toPlain: ({ secret: _secret, ...rest }) => rest as object });
    expect(serialize('t', { id: 1, secret: 'x' }, none())!.toString()).toBe('{"id":1}');
  });
});
