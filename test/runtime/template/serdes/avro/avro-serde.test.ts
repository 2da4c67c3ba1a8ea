import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type AvroSerdeOptions, avroSerde, OutgoingHeaders } from '../../../../../src/index.js';
import { PendingBytes } from '../../../../../src/runtime/template/serdes/pending-bytes.js';
import { type RegistryDouble, startRegistry } from '../../../../support/servers/schema-registry-double.js';

// Avro against a registry double: bytes, compatibility, and what is said where something is missing.

const V1 = {
  type: 'record',
  name: 'Order',
  namespace: 'com.acme',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'amount', type: 'int' },
  ],
};
const V2 = { ...V1, fields: [...V1.fields, { name: 'note', type: 'string', default: 'none' }] };
const INCOMPATIBLE = { ...V1, fields: [...V1.fields, { name: 'owed', type: 'long' }] };

let registry: RegistryDouble;

beforeEach(async () => {
  registry = await startRegistry(0x01020304);
});
afterEach(async () => {
  await registry.stop();
});

const made = (more: Partial<AvroSerdeOptions> = {}) =>
  avroSerde({ 'schema.registry.url': registry.url, schema: V1, topics: ['orders'], ...more });
const none = () => new OutgoingHeaders([]);

/** Reads, and again when the schema is there. */
async function read(serde: Awaited<ReturnType<typeof made>>, bytes: Buffer): Promise<unknown> {
  try {
    return serde.deserialize('orders', bytes, []);
  } catch (error) {
    if (!(error instanceof PendingBytes)) throw error;
    await error.ready;
    return serde.deserialize('orders', bytes, []);
  }
}

describe('Avro by a schema registry', () => {
  it("writes Confluent's bytes: zero, the id in four bytes, what Avro writes", async () => {
    const serde = await made();
    const bytes = serde.serialize('orders', { id: 'a1', amount: -3 }, none()) as Buffer;
    expect(bytes.toString('hex')).toBe('00' + '01020304' + '04' + '6131' + '05');
    expect(serde.serialize('orders', null, none())).toBeNull();
    expect(await read(serde, bytes)).toEqual({ id: 'a1', amount: -3 });
    expect(registry.asked).toEqual(['POST /subjects/orders-value/versions', 'GET /schemas/ids/16909060']);
  });

  it('writes what is larger than its first buffer', async () => {
    const serde = await made();
    const id = 'ü'.repeat(5_000);
    const bytes = serde.serialize('orders', { id, amount: 1 }, none()) as Buffer;
    expect(await read(serde, bytes)).toEqual({ id, amount: 1 });
    expect(await read(serde, serde.serialize('orders', { id: 'b', amount: 2 }, none()) as Buffer)).toEqual({
      id: 'b',
      amount: 2,
    });
  });

  it('lets old readers read new records, and new readers old ones', async () => {
    const old = await made();
    const young = await made({ schema: V2 });
    const first = old.serialize('orders', { id: 'a', amount: 1 }, none()) as Buffer;
    const second = young.serialize('orders', { id: 'b', amount: 2, note: 'x' }, none()) as Buffer;
    expect(await read(old, second)).toEqual({ id: 'b', amount: 2 });
    expect(await read(young, first)).toEqual({ id: 'a', amount: 1, note: 'none' });
    const open = await made({ schema: undefined, topics: [] });
    expect(await read(open, second)).toEqual({ id: 'b', amount: 2, note: 'x' });
  });

  it('rejects a schema that the registry finds incompatible, in its words', async () => {
    await made();
    await expect(made({ schema: INCOMPATIBLE })).rejects.toMatchObject({
      code: 'KAFKA_SCHEMA_REGISTRY_FAILED',
      retriable: false,
      message:
        `topic orders: subject orders-value: the schema registry ${registry.url} says 409 Schema being registered is ` +
        'incompatible with an earlier schema for subject "orders-value"; give new fields a default, or change the ' +
        'compatibility of the subject orders-value',
    });
    const serde = await made({ schema: INCOMPATIBLE, topics: [] });
    expect(() => serde.serialize('orders', { id: 'a', amount: 1, owed: 1 }, none())).toThrow(
      "has no Avro schema yet: name it in topics of avroSerde, or await prepare('orders')",
    );
  });

  it('fails bytes whose schema cannot be read into its own', async () => {
    const written = (await made()).serialize('orders', { id: 'a', amount: 1 }, none()) as Buffer;
    const serde = await made({ schema: undefined, readerSchema: INCOMPATIBLE, topics: [] });
    await expect(read(serde, written)).rejects.toMatchObject({
      code: 'KAFKA_DESERIALIZATION_FAILED',
      message: expect.stringContaining('schema id 16909060 cannot be read into'),
    });
    await expect(read(serde, Buffer.from('{"id":1}'))).rejects.toThrow('begins with 7b22696422, not with 00');
    await expect(read(serde, Buffer.of(0, 0, 0, 0, 7))).rejects.toThrow(/^schema id 7: .*404 Schema 7 not found/);
  });

  it('names the field that does not fit', async () => {
    const serde = await made();
    expect(() => serde.serialize('orders', { id: 'a', amount: 'ten' }, none())).toThrow(
      'the value for topic orders does not fit schema id 16909060 of subject orders-value: amount: "ten" is no "int"',
    );
  });

  it('registers only where it may, and writes with the newest where told so', async () => {
    await expect(made({ 'auto.register.schemas': false })).rejects.toThrow(
      /404 Subject 'orders-value' not found.*auto.register.schemas=true/,
    );
    const id = registry.register('orders-value', V1);
    const found = await made({ 'auto.register.schemas': false });
    expect((found.serialize('orders', { id: 'a', amount: 1 }, none()) as Buffer).readUInt32BE(1)).toBe(id);
    const newest = registry.register('orders-value', V2);
    const latest = await made({ schema: undefined, 'use.latest.version': true });
    const bytes = latest.serialize('orders', { id: 'a', amount: 1, note: 'n' }, none()) as Buffer;
    expect(bytes.readUInt32BE(1)).toBe(newest);
    await expect(made({ schema: undefined })).rejects.toThrow('topic orders: avroSerde writes with its schema');
  });

  it('takes subjects by record, and keys', async () => {
    await made({ subject: 'RecordName' });
    await made({ subject: 'TopicRecordName' });
    await made({ isKey: true, schema: '"string"' });
    expect(registry.asked.map((one) => one.split('/')[2])).toEqual([
      'com.acme.Order',
      'orders-com.acme.Order',
      'orders-key',
    ]);
  });

  it('asks once for a schema that many records wait for, with the credentials', async () => {
    const bytes = (await made()).serialize('orders', { id: 'a', amount: 1 }, none()) as Buffer;
    const reader = await made({ topics: [], 'basic.auth.user.info': 'me:secret' });
    registry.asked.length = 0;
    await Promise.all(Array.from({ length: 20 }, () => read(reader, bytes)));
    await read(reader, bytes);
    expect(registry.asked).toEqual(['GET /schemas/ids/16909060']);
    expect(registry.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
  });

  it('says that the registry is away, asks the next address, and asks again later', async () => {
    const bytes = (await made()).serialize('orders', { id: 'a', amount: 1 }, none()) as Buffer;
    const away = 'http://127.0.0.1:1';
    await expect(made({ 'schema.registry.url': away })).rejects.toMatchObject({
      code: 'KAFKA_SCHEMA_REGISTRY_FAILED',
      retriable: true,
      message: expect.stringContaining(
        `topic orders: subject orders-value: the schema registry ${away} does not answer`,
      ),
    });
    const reader = await made({ 'schema.registry.url': `${away}, ${registry.url}/`, topics: [] });
    registry.failing = 503;
    await expect(read(reader, bytes)).rejects.toMatchObject({ retriable: true });
    registry.failing = undefined;
    expect(await read(reader, bytes)).toEqual({ id: 'a', amount: 1 });
    await expect(made({ 'schema.registry.url': 'localhost:8081' })).rejects.toThrow(
      'schema.registry.url is "localhost:8081"; give an address like http://localhost:8081',
    );
  });
});
