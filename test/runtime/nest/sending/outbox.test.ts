import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import sqlite from 'node-sqlite3-wasm';
import {
  currentSqlTransaction,
  Header,
  KafkaListener,
  KafkaOutboxModule,
  type KafkaOutboxOptions,
  Key,
  Outbox,
  OutboxTemplate,
  Payload,
  sqlDatabase,
} from '../../../../src/index.js';
import { EmbeddedKafka, until } from '../../../../src/testing/index.js';
import { type BrokerApp, startOnBroker } from '../../../support/broker-app.js';

// From a method's return value through a table or a file to a listener, over a real broker.

interface Order {
  readonly id: number;
  readonly customer: string;
}

let kafka: EmbeddedKafka;
let apps: BrokerApp[];
let seen: Array<{ readonly key: string; readonly order: Order; readonly messageId: string }>;
let client: InstanceType<typeof sqlite.Database>;

@Injectable()
class Orders {
  @Outbox<Order>({ topic: 'orders', key: 'customer' })
  async place(id: number, customer: string, fails = false): Promise<Order> {
    await currentSqlTransaction()!.query('INSERT INTO placed (id) VALUES (?)', [id]);
    if (fails) throw new Error('out of stock');
    return { id, customer };
  }
}

@Injectable()
class Reader {
  @KafkaListener({ topics: 'orders', groupId: 'reader' })
  read(@Key() key: string, @Payload() order: Order, @Header('message-id') messageId: string): void {
    seen.push({ key, order, messageId });
  }
}

beforeEach(async () => {
  kafka = await EmbeddedKafka.start({ topics: ['orders'] });
  apps = [];
  seen = [];
  client = new sqlite.Database(':memory:');
  client.exec('CREATE TABLE placed (id INTEGER)');
});

afterEach(async () => {
  for (const { app } of apps) await app.close();
  await kafka.stop();
  client.close();
});

async function start(options: KafkaOutboxOptions): Promise<BrokerApp['app']> {
  const metadata = { imports: [KafkaOutboxModule.forRoot(options)], providers: [Orders, Reader] };
  const started = await startOnBroker(kafka, metadata, { 'kafka.consumer.auto-offset-reset': 'earliest' });
  apps.push(started);
  return started.app;
}

const arrived = (count: number) => until(() => seen.length >= count, { what: `${count} messages` });
const placed = () => client.all('SELECT id FROM placed').map(({ id }) => id);

describe('outbox in a database', () => {
  it('sends what a method returned when its transaction has committed, in order of the key', async () => {
    const app = await start({ database: client });
    const orders = app.get(Orders);
    for (let id = 1; id <= 5; id++) expect(await orders.place(id, 'anna')).toEqual({ id, customer: 'anna' });
    await arrived(5);
    expect(seen.map(({ order }) => order.id)).toEqual([1, 2, 3, 4, 5]);
    expect(seen[0]!.key).toBe('anna');
    expect(new Set(seen.map(({ messageId }) => messageId)).size).toBe(5);
    const outbox = app.get(OutboxTemplate);
    await until(async () => (await outbox.state()).messages === 0, { what: 'an empty outbox' });
    expect(await outbox.state()).toMatchObject({ isLeading: true, relayed: 5, failed: 0 });
    const metrics = await outbox.metrics();
    expect(metrics).toMatchObject({
      'outbox-messages': 0,
      'outbox-oldest-age-ms': 0,
      'outbox-relayed-total': 5,
      'outbox-failed-total': 0,
      'outbox-blocked-keys': 0,
      'outbox-leading': 1,
    });
    expect(metrics['outbox-delay-max-ms']!).toBeGreaterThanOrEqual(metrics['outbox-delay-avg-ms']!);
  });

  it('sends around a message that can never be sent, and lets nothing of its key overtake it', async () => {
    const app = await start({ database: client });
    const outbox = app.get(OutboxTemplate);
    const order = (id: number, customer: string, note = '') => outbox.send('orders', customer, { id, customer, note });
    await outbox.inTransaction(async () => {
      await order(1, 'anna');
      await order(1, 'ben');
      // More than a request may have.
      await order(2, 'ben', 'x'.repeat(2_000_000));
      for (let id = 3; id <= 20; id++) await order(id, 'ben');
      for (let id = 2; id <= 20; id++) await order(id, 'anna');
    });
    const idsOf = (customer: string) => seen.filter(({ key }) => key === customer).map((one) => one.order.id);
    await until(() => idsOf('anna').includes(20), { what: 'the messages of the other key' });
    // Again at most what was under way when the large one failed; in order each time.
    expect([...new Set(idsOf('anna'))]).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    expect([...new Set(idsOf('ben'))]).toEqual([1]);
    await until(async () => (await outbox.state()).messages === 19, { what: 'the rest of the outbox' });
    expect(await outbox.state()).toMatchObject({ blockedKeys: 1 });
    const metrics = await outbox.metrics();
    expect(metrics).toMatchObject({ 'outbox-messages': 19, 'outbox-blocked-keys': 1 });
    expect(metrics['outbox-failed-total']).toBeGreaterThan(0);
    expect(metrics['outbox-oldest-age-ms']).toBeGreaterThan(0);
  });

  it('sends nothing of a transaction that was rolled back', async () => {
    const app = await start({ database: client });
    const orders = app.get(Orders);
    await expect(orders.place(1, 'anna', true)).rejects.toThrow('out of stock');
    await orders.place(2, 'anna');
    await arrived(1);
    expect(seen.map(({ order }) => order.id)).toEqual([2]);
    expect(placed()).toEqual([2]);
  });

  it('joins a transaction that is open already', async () => {
    const app = await start({ database: client });
    const [orders, outbox] = [app.get(Orders), app.get<OutboxTemplate<Order>>(OutboxTemplate)];
    const work = outbox.inTransaction(async (transaction) => {
      await orders.place(1, 'anna');
      await outbox.send('orders', 'ben', { id: 2, customer: 'ben' });
      await outbox.within(transaction).send({ topic: 'orders', key: 'cleo', value: { id: 3, customer: 'cleo' } });
      throw new Error('none of it');
    });
    await expect(work).rejects.toThrow('none of it');
    expect(placed()).toEqual([]);
    await outbox.inTransaction(async () => {
      await orders.place(4, 'anna');
      await orders.place(5, 'anna');
    });
    await arrived(2);
    expect(seen.map(({ order }) => order.id)).toEqual([4, 5]);
  });

  it('refuses to write outside of a transaction', async () => {
    const outbox = (await start({ database: client })).get(OutboxTemplate);
    await expect(outbox.send('orders', 'anna', {})).rejects.toMatchObject({ code: 'KAFKA_SQL_FAILED' });
    await expect(outbox.send('orders', 'anna', {})).rejects.toThrow('outbox.inTransaction');
  });

  it('relays after a restart what the process before had written, and keeps the id that it was given', async () => {
    const database = sqlDatabase(client);
    const first = await start({ database, relay: false });
    await first.get(OutboxTemplate).inTransaction(async () => {
      const headers = { 'message-id': 'order-7' };
      await first.get(OutboxTemplate).send({ topic: 'orders', key: 'anna', value: { id: 7 }, headers });
    });
    expect(await first.get(OutboxTemplate).state()).toMatchObject({ messages: 1, isLeading: false });
    await apps.pop()!.app.close();
    await start({ database });
    await arrived(1);
    expect(seen).toEqual([{ key: 'anna', order: { id: 7 }, messageId: 'order-7' }]);
  });
});

describe('outbox in a file', () => {
  it('takes messages without a transaction', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nestdaw-outbox-'));
    try {
      const outbox = (await start({ folder })).get(OutboxTemplate);
      for (let id = 1; id <= 3; id++) await outbox.send('orders', 'anna', { id });
      await arrived(3);
      expect(seen.map(({ order }) => order.id)).toEqual([1, 2, 3]);
      await expect(outbox.inTransaction(async () => undefined)).rejects.toMatchObject({ code: 'KAFKA_CONFIG_INVALID' });
      await apps.pop()!.app.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('an outbox that cannot be', () => {
  it('is refused: without a database or a folder, with both, with a client that is none', async () => {
    await expect(start({})).rejects.toThrow('needs a database or a folder; it was given neither');
    await expect(start({ database: client, folder: 'x' })).rejects.toThrow('given both');
    await expect(start({ database: {} })).rejects.toThrow('is no SQL client that is known');
  });
});
