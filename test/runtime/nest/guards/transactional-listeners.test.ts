import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import sqlite from 'node-sqlite3-wasm';
import { hasCode } from '../../../../src/common/errors.js';
import { deferred } from '../../../../src/common/lifecycle.js';
import {
  Consumer,
  ContainerRegistry,
  KafkaListener,
  type KafkaListenerOptions,
  KafkaTemplate,
  type ListenerConsumer,
  Payload,
  Transactional,
} from '../../../../src/index.js';
import { type ContainerEvent } from '../../../../src/runtime/listener/container-events.js';
import { EmbeddedKafka, until } from '../../../../src/testing/index.js';
import { type BrokerApp, createOnBroker, numbered, startOnBroker } from '../../../support/broker-app.js';
import { readCommitted } from '../../../support/committed-reader.js';

// Consume, transform, produce in transactions, over our broker on a real port: what a read_committed reader sees is
// what was read, once, whatever failed on the way.

let kafka: EmbeddedKafka;
const running: BrokerApp[] = [];

beforeEach(async () => {
  kafka = await EmbeddedKafka.start({ topics: { orders: 3, invoices: 3 } });
});
afterEach(async () => {
  await Promise.all(running.splice(0).map(({ app }) => app.close()));
  await kafka.stop();
});

const PREFIX = { 'kafka.producer.transaction-id-prefix': 'tx-' };
/** What a second process of the same application sets. */
const OTHER = { 'kafka.producer.transaction-id-prefix': 'other-' };
const COUNT = 40;

type Work = (value: number, attempt: number) => unknown;

/** A listener that sends an invoice for each order, and runs `work` between. */
function copying(options: Partial<KafkaListenerOptions>, work: Work = () => undefined) {
  const attempts = new Map<number, number>();
  @Injectable()
  class Invoices {
    constructor(readonly template: KafkaTemplate) {}

    @KafkaListener({ id: 'copy', groupId: 'copiers', topics: 'orders', ...options })
    @Transactional('kafka')
    async copy(@Payload() payload: number | number[]): Promise<void> {
      for (const value of [payload].flat()) {
        const attempt = (attempts.get(value) ?? 0) + 1;
        attempts.set(value, attempt);
        void this.template.send('invoices', `k${value}`, `invoice ${value}`);
        await work(value, attempt);
      }
    }
  }
  return { Invoices, attempts };
}

async function start(options: Partial<KafkaListenerOptions>, work?: Work, properties: Record<string, string> = {}) {
  const { Invoices, attempts } = copying(options, work);
  const started = await createOnBroker(kafka, { providers: [Invoices] }, { ...PREFIX, ...properties });
  running.push(started);
  const events: ContainerEvent[] = [];
  await started.app.init();
  const container = started.app.get(ContainerRegistry).list()[0]!;
  container.onEvent((event) => void events.push(event));
  return { app: started.app, logger: started.logger, attempts, events, container };
}

async function feed(count = COUNT): Promise<void> {
  for (let partition = 0; partition < 3; partition++) {
    const records = numbered(count).filter((_, index) => index % 3 === partition);
    await kafka.produce('orders', partition, records);
  }
}

async function invoices(): Promise<string[]> {
  const records = await readCommitted(kafka.bootstrapServers, 'invoices');
  return records.map(({ value }) => String(value)).sort();
}

const all = (count = COUNT) => Array.from({ length: count }, (_, index) => `invoice ${index}`).sort();
const commits = (events: readonly ContainerEvent[]) => events.filter(({ type }) => type === 'committed').length;

const MODES: ReadonlyArray<readonly [string, Partial<KafkaListenerOptions>]> = [
  ['record by record', {}],
  ['a poll at a time', { ackMode: 'BATCH' }],
  ['by batches', { batch: true }],
  ['by a pool in key order', { workers: 8, order: 'key' }],
  ['by a pool without order', { workers: 8, order: 'none' }],
];

describe.each(MODES)('a transactional listener, %s', (_name, options) => {
  it('shows each result once, and commits what it read with it', async () => {
    const { events } = await start(options);
    await feed();
    await kafka.untilConsumed('copiers', 'orders');
    expect(await invoices()).toEqual(all());
    expect(commits(events)).toBeGreaterThan(0);
  });

  it('shows each result once though handlers fail, and counts their deliveries', async () => {
    const { attempts, events } = await start(options, async (value, attempt) => {
      if (value % 10 === 5 && attempt < 3) throw new Error('not yet');
    });
    await feed();
    await kafka.untilConsumed('copiers', 'orders', { timeoutMs: 20_000 });
    expect(await invoices()).toEqual(all());
    // What shares a transaction with a failed record runs again with it.
    expect(Math.min(attempts.get(5)!, attempts.get(15)!)).toBeGreaterThanOrEqual(3);
    const failed = events.flatMap((event) => (event.type === 'failed' ? [event.attempt] : []));
    expect(Math.min(...failed)).toBe(1);
    expect(Math.max(...failed)).toBeGreaterThanOrEqual(2);
    expect(events.some(({ type }) => type === 'rolled-back')).toBe(true);
  });

  it('hands a record that always fails to its dead-letter topic in the same transaction as its offset', async () => {
    await start({ ...options, deadLetters: true }, async (value) => {
      if (value === 7) throw new Error('never');
    });
    await feed(12);
    await kafka.untilConsumed('copiers', 'orders', { timeoutMs: 20_000 });
    const dead = await readCommitted(kafka.bootstrapServers, 'orders-dlt');
    const isBatch = options.batch === true;
    const taken = dead.map(({ value }) => Number(String(value))).sort((a, b) => a - b);
    // A batch that fails as a whole is handed on as a whole.
    expect(isBatch ? taken.includes(7) : taken).toEqual(isBatch ? true : [7]);
    expect(await invoices()).toEqual(all(12).filter((invoice) => !taken.includes(Number(invoice.split(' ')[1]))));
  });
});

describe('a transactional listener', () => {
  it('loses and repeats nothing while consumers come and go', async () => {
    const slowly = async () => new Promise((resolve) => setImmediate(resolve));
    await start({ workers: 4, order: 'key', ackMode: 'BATCH' }, slowly);
    await feed(150);
    const second = await start({ workers: 4, order: 'key', ackMode: 'BATCH' }, slowly, OTHER);
    await feed(150);
    await running.shift()!.app.close();
    await feed(150);
    await kafka.untilConsumed('copiers', 'orders', { timeoutMs: 20_000 });
    expect((await invoices()).length).toBe(450);
    expect(second.container.state).toBe('running');
  });

  it.each([1, 2])('has a producer for each consumer, however many partitions that reads: %d', async (concurrency) => {
    const { app } = await start({ concurrency });
    await until(() => app.get(ContainerRegistry).get('copy').assignment().length === 3, { what: 'all partitions' });
    await feed();
    await kafka.untilConsumed('copiers', 'orders');
    expect(await invoices()).toEqual(all());
    // As the coordinator's log knows them: a version, a length, the id.
    const states = await kafka.records('__transaction_state');
    const ids = new Set(states.map(({ key }) => key!.subarray(4).toString()));
    expect(ids.size).toBe(concurrency);
  });

  it('stops when another process takes its transactional id, and nothing of its transaction is seen', async () => {
    const first = await start({ id: 'first' });
    await feed(3);
    await kafka.untilConsumed('copiers', 'orders');
    // A listener of another group under the same prefix: the mistake of two processes that share it.
    await start({ id: 'second', groupId: 'others' });
    await kafka.untilConsumed('others', 'orders');
    await feed(3);
    await until(() => first.container.state === 'failed', { what: 'the first listener being fenced' });
    expect(first.container.failure).toMatchObject({ code: 'KAFKA_PRODUCER_FENCED' });
    await kafka.untilConsumed('others', 'orders');
    // The first group's three, and the second group's six.
    expect((await invoices()).length).toBe(9);
  });

  it('counts a commit that cannot succeed as a failure of its record', async () => {
    @Injectable()
    class Careless {
      constructor(readonly template: KafkaTemplate) {}

      @KafkaListener({ topics: 'orders', groupId: 'copiers', deadLetters: true })
      @Transactional('kafka')
      async handle(@Payload() value: number): Promise<void> {
        // Nobody looks at this one's failure.
        void this.template.send('invoices', value === 1 ? 'x'.repeat(40_000) : `invoice ${value}`);
      }
    }
    const limit = { 'kafka.producer.properties.max.request.size': '30000', 'kafka.producer.batch-size': '1000' };
    running.push(await startOnBroker(kafka, { providers: [Careless] }, { ...PREFIX, ...limit }));
    await kafka.produce('orders', 0, numbered(3));
    await kafka.untilConsumed('copiers', 'orders');
    expect(await invoices()).toEqual(['invoice 0', 'invoice 2']);
    const dead = await readCommitted(kafka.bootstrapServers, 'orders-dlt');
    expect(dead.map(({ value }) => String(value))).toEqual(['1']);
  });

  it('shows nothing of handlers that still run when it is stopped', async () => {
    const { app } = await start(
      { ackMode: 'BATCH' },
      async (value) => {
        if (value === 1) await new Promise(() => undefined);
      },
      { 'kafka.listener.shutdown-timeout': '50ms' },
    );
    await kafka.produce('orders', 0, numbered(3));
    await until(async () => (await kafka.records('invoices')).length > 0, { what: 'the first send' });
    running.shift();
    await app.close();
    expect(await invoices()).toEqual([]);
    expect(await kafka.committed('copiers', 'orders')).toEqual([0, 0, 0]);
    await start({});
    await kafka.untilConsumed('copiers', 'orders');
    expect(await invoices()).toEqual(all(3));
  });

  it('refuses commits that its own transaction would have to wait for', async () => {
    const refusals: unknown[] = [];
    @Injectable()
    class Committing {
      @KafkaListener({ topics: 'orders', groupId: 'copiers', transactional: true })
      async handle(@Consumer() consumer: ListenerConsumer): Promise<void> {
        await consumer.commit().catch((error: unknown) => refusals.push(error));
      }
    }
    const started = await startOnBroker(kafka, { providers: [Committing] }, PREFIX);
    running.push(started);
    await kafka.produce('orders', 0, numbered(1));
    await kafka.untilConsumed('copiers', 'orders');
    expect(refusals.map((error) => hasCode(error, 'KAFKA_TRANSACTION_STATE'))).toEqual([true]);
  });

  it('is a mistake without a transaction-id-prefix, and with an ack mode that commits at once', async () => {
    const { Invoices } = copying({});
    const missing = createOnBroker(kafka, { providers: [Invoices] }, {}).then(({ app }) => app.init());
    await expect(missing).rejects.toThrow(/kafka\.producer\.transaction-id-prefix/);
    const { Invoices: Immediate } = copying({ ackMode: 'MANUAL_IMMEDIATE' });
    const immediate = createOnBroker(kafka, { providers: [Immediate] }, PREFIX).then(({ app }) => app.init());
    await expect(immediate).rejects.toThrow(/MANUAL_IMMEDIATE commits at once/);
  });
});

describe('where brokers take no metadata for what is finished out of order', () => {
  const refused = ({ lines }: { readonly lines: readonly string[] }) =>
    lines.filter((line) => line.includes('take no metadata of'));
  const KEYS = ['a', 'a', 'b', 'b', 'a', 'c'];

  beforeEach(async () => {
    await kafka.stop();
    kafka = await EmbeddedKafka.start({
      topics: { orders: 3, invoices: 3 },
      config: { 'offset.metadata.max.bytes': '16' },
    });
    const orders = numbered(KEYS.length).map((record, index) => ({ ...record, key: Buffer.from(KEYS[index]!) }));
    await kafka.produce('orders', 0, orders);
  });

  it('a transactional listener ends without gaps, and blames no record', async () => {
    const count = { 'kafka.listener.ack-count': '2' };
    const { events, logger } = await start({ workers: 2, order: 'key', ackMode: 'COUNT' }, undefined, count);
    await kafka.untilConsumed('copiers', 'orders');
    expect(await invoices()).toEqual(all(KEYS.length));
    const happened = (wanted: ContainerEvent['type']) => events.filter(({ type }) => type === wanted).length;
    expect([happened('rolled-back'), happened('failed')]).toEqual([1, 0]);
    expect(refused(logger)).toHaveLength(1);
  });

  it('a listener commits its offsets without them', async () => {
    const first = deferred();
    @Injectable()
    class Pool {
      @KafkaListener({ topics: 'orders', groupId: 'copiers', workers: 2, order: 'key', ackMode: 'RECORD' })
      async handle(@Payload() value: number): Promise<void> {
        if (value === 0) await first.promise;
      }
    }
    const started = await startOnBroker(kafka, { providers: [Pool] });
    running.push(started);
    const { logger } = started;
    await until(() => refused(logger).length > 0, { what: 'a map that is refused' });
    first.resolve();
    await kafka.untilConsumed('copiers', 'orders');
    expect(refused(logger)).toHaveLength(1);
    expect(logger.lines.filter((line) => line.startsWith('error'))).toEqual([]);
  });
});

describe('a SQL transaction inside of a Kafka transaction', () => {
  it('commits first; in the window between the two only Kafka’s part is missing, and is made up for', async () => {
    const database = new sqlite.Database(':memory:');
    database.exec('create table bookings (id integer primary key, tries integer not null)');
    let fails = 2;
    @Injectable()
    class Bookings {
      constructor(readonly template: KafkaTemplate) {}

      @KafkaListener({ topics: 'orders', groupId: 'copiers' })
      @Transactional('kafka')
      async book(@Payload() id: number): Promise<void> {
        void this.template.send('invoices', `invoice ${id}`);
        database.exec('begin');
        // Repeatable, since the window makes it be repeated.
        database.run('insert into bookings values (?, 1) on conflict (id) do update set tries = tries + 1', [id]);
        database.exec('commit');
        if (id === 1 && fails-- > 0) throw new Error('the process ends between the two commits');
      }
    }
    running.push(await startOnBroker(kafka, { providers: [Bookings] }, PREFIX));
    await kafka.produce('orders', 0, numbered(3));
    await kafka.untilConsumed('copiers', 'orders');
    const rows = database.all('select id, tries from bookings order by id');
    expect(rows).toEqual([
      { id: 0, tries: 1 },
      { id: 1, tries: 3 },
      { id: 2, tries: 1 },
    ]);
    expect(await invoices()).toEqual(all(3));
    database.close();
  });
});
