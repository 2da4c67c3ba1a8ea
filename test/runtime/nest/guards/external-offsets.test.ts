import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Injectable, type Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import sqlite from 'node-sqlite3-wasm';
import {
  BatchListenerFailedError,
  ContainerRegistry,
  ExternalOffsets,
  FileOffsetStore,
  Idempotent,
  KafkaListener,
  KafkaModule,
  type OffsetStore,
  type OffsetToStore,
  Payload,
  Record as RawRecord,
  Sql,
  type SqlTransaction,
} from '../../../../src/index.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';
import { until } from '../../../../src/testing/until.js';
import { RecordingLogger } from '../../../support/fake-clients.js';

// Offsets outside of Kafka, over a real broker.

let kafka: EmbeddedKafka;
let folder: string;
let logger: RecordingLogger;
const apps: INestApplicationContext[] = [];

beforeEach(async () => {
  kafka = await EmbeddedKafka.start({ topics: { orders: 1 } });
  folder = mkdtempSync(join(tmpdir(), 'external-'));
  logger = new RecordingLogger();
});
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
  await kafka.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(provider: Provider, more: Provider[] = [], properties: Record<string, string> = {}) {
  const common = { 'kafka.listener.offset-directory': folder, ...kafka.properties(), ...properties };
  const module = await Test.createTestingModule({
    imports: [KafkaModule.forRoot({ properties: common, cwd: '/nowhere', env: {}, argv: [], logger })],
    providers: [provider, ...more],
  }).compile();
  module.useLogger(false);
  const app = await module.init();
  apps.push(app);
  return app;
}

async function send(...values: string[]): Promise<void> {
  const records = values.map((value) => ({ key: null, value: Buffer.from(value) }));
  await kafka.produce('orders', 0, records);
}

/** Keeps in memory what others keep elsewhere. */
class Notes implements OffsetStore {
  readonly calls: string[] = [];
  readonly offsets = new Map<string, OffsetToStore>();
  isDown = false;
  /** How often it will not take offsets: it is away, or says that somebody else owns them. */
  failures = 0;
  refusals = 0;

  async load(group: string, partitions: ReadonlyArray<{ topic: string; partition: number }>) {
    if (this.isDown) throw new Error('connection refused');
    return partitions.map(({ topic, partition }) => {
      const { offset, metadata = '' } = this.offsets.get(`${group} ${topic}-${partition}`) ?? { offset: undefined };
      return { topic, partition, offset, metadata, epoch: 1 };
    });
  }

  async store(group: string, offsets: readonly OffsetToStore[]) {
    if (this.failures > 0) {
      this.failures--;
      throw new Error('connection refused');
    }
    if (this.refusals > 0) {
      this.refusals--;
      return offsets;
    }
    for (const one of offsets) {
      this.calls.push(`${one.topic}-${one.partition}@${one.offset}`);
      this.offsets.set(`${group} ${one.topic}-${one.partition}`, one);
    }
    return [];
  }
}

describe('@ExternalOffsets', () => {
  it('goes on where the file says, and commits nothing to Kafka', async () => {
    const seen: string[] = [];
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing' })
      @ExternalOffsets({ store: 'file' })
      pay(@Payload() order: string): void {
        seen.push(order);
      }
    }
    await send('a', 'b');
    const app = await start(Billing);
    await until(() => seen.length === 2, { what: 'the first two' });
    await app.close();
    await send('c');
    await start(Billing);
    await until(() => seen.length === 3, { what: 'the third' });
    expect(seen).toEqual(['a', 'b', 'c']);
    expect(await kafka.committed('billing', 'orders')).toEqual([-1]);
    const path = join(folder, 'billing', 'orders-0-offset.txt');
    await until(() => readFileSync(path, 'utf8').startsWith('offset=3\nepoch=2\n'), { what: 'the file' });
  });

  it('reads numbers as the last offset read, when told so', async () => {
    const seen: string[] = [];
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing' })
      @ExternalOffsets({ store: 'file', convention: 'last' })
      pay(@Payload() order: string): void {
        seen.push(order);
      }
    }
    await new FileOffsetStore(folder).load('billing', [{ topic: 'orders', partition: 0 }], true);
    writeFileSync(join(folder, 'billing', 'orders-0-offset.txt'), '1');
    await send('a', 'b', 'c');
    const app = await start(Billing);
    await until(() => seen.length === 1, { what: 'the third' });
    await app.close();
    expect(seen).toEqual(['c']);
    expect(readFileSync(join(folder, 'billing', 'orders-0-offset.txt'), 'utf8')).toMatch(/^offset=2\n/);
  });

  it('waits while the store is down, and begins nowhere else', async () => {
    const seen: string[] = [];
    const notes = new Notes();
    notes.isDown = true;
    notes.offsets.set('billing orders-0', { topic: 'orders', partition: 0, offset: 1, metadata: '', epoch: 0 });
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing' })
      @ExternalOffsets({ store: 'NOTES' })
      pay(@Payload() order: string): void {
        seen.push(order);
      }
    }
    await send('a', 'b');
    await start(Billing, [{ provide: 'NOTES', useValue: notes }], { 'kafka.listener.startup-timeout': '1' });
    const told = () => logger.lines.some((line) => /its offset store does not answer: connection refused/.test(line));
    await until(told, { what: 'the warning' });
    expect(seen).toEqual([]);
    notes.isDown = false;
    await until(() => seen.length === 1, { what: 'the second' });
    expect(seen).toEqual(['b']);
  });

  it.each([
    ['is away', 'failures', 'could not be committed: connection refused; nothing is read until it is'],
    ['says that another one owns it', 'refusals', 'has another owner by now'],
  ] as const)('waits while the store %s just when it is to learn where the group begins', async (_, how, said) => {
    const seen: string[] = [];
    const notes = new Notes();
    notes[how] = 2;
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', properties: { 'auto.offset.reset': 'earliest' } })
      @ExternalOffsets({ store: 'NOTES' })
      pay(@Payload() order: string): void {
        seen.push(order);
      }
    }
    await send('a', 'b');
    await start(Billing, [{ provide: 'NOTES', useValue: notes }]);
    await until(() => seen.length === 2, { what: 'both' });
    expect(notes[how]).toBe(0);
    expect(notes.calls[0]).toBe('orders-0@0');
    expect(logger.lines.some((line) => line.includes(said))).toBe(true);
  });

  it('stores on revocation alone, when told so', async () => {
    const seen: string[] = [];
    const notes = new Notes();
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', offsets: { store: notes, when: 'revoke' } })
      pay(@Payload() order: string): void {
        seen.push(order);
      }
    }
    await start(Billing);
    const before = notes.calls.length;
    for (const value of ['a', 'b', 'c']) await send(value);
    await until(() => seen.length === 3, { what: 'all' });
    expect(notes.calls.slice(before)).toEqual([]);
    await apps.pop()!.close();
    expect(notes.calls.at(-1)).toBe('orders-0@3');
  });

  it.each([
    // What is left of a count is stored when a poll found nothing.
    ['COUNT', { 'kafka.listener.ack-count': '3', 'kafka.listener.poll-timeout': '200ms' }, 3],
    ['TIME', { 'kafka.listener.ack-time': '50ms' }, 1],
  ] as const)('stores by policy while the listener works: %s', async (ackMode, properties, first) => {
    const notes = new Notes();
    const seen: string[] = [];
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', workers: 1, ackMode, offsets: { store: notes } })
      async pay(@Payload() order: string): Promise<void> {
        // It ends when those before it are stored.
        if (seen.length === first) {
          await until(() => notes.calls.includes(`orders-0@${first}`), { what: 'the offset of those before' });
        }
        seen.push(order);
      }
    }
    await send('a', 'b', 'c', 'd', 'e');
    await start(Billing, [], { 'kafka.consumer.auto-offset-reset': 'earliest', ...properties });
    await until(() => notes.calls.at(-1) === 'orders-0@5', { what: 'the last offset' });
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(notes.calls.filter((call) => call === 'orders-0@2')).toEqual([]);
  });

  it('has stored what was handled last, and nothing else, at each of a hundred revocations', async () => {
    const seen: string[] = [];
    const notes = new Notes();
    @Injectable()
    class Billing {
      @KafkaListener({ id: 'billing', topics: 'orders', groupId: 'billing', offsets: { store: notes, when: 'revoke' } })
      pay(@Payload() order: string): void {
        seen.push(order);
      }
    }
    const app = await start(Billing, [], { 'kafka.consumer.auto-offset-reset': 'earliest' });
    const sent: string[] = [];
    for (let round = 1; round <= 100; round++) {
      const some = Array.from({ length: 1 + (round % 3) }, (_, n) => `${round}.${n}`);
      sent.push(...some);
      await send(...some);
      await until(() => seen.length === sent.length, { what: `the records of round ${round}` });
      const before = notes.calls.length;
      app.get(ContainerRegistry).enforceRebalance('billing');
      await until(() => notes.calls.length > before, { what: `revocation ${round}` });
      expect(notes.calls.slice(before)).toEqual([`orders-0@${sent.length}`]);
    }
    expect(seen).toEqual(sent);
  }, 60_000);

  it('keeps the map of what finished out of order', async () => {
    const notes = new Notes();
    const seen: string[] = [];
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', order: 'none', workers: 4, offsets: { store: notes } })
      async pay(@Payload() order: string): Promise<void> {
        seen.push(order);
        if (order === 'stuck' && seen.length < 4) throw new Error('not yet');
      }
    }
    await send('stuck', 'b', 'c');
    const app = await start(Billing);
    await until(() => seen.includes('b') && seen.includes('c'), { what: 'those behind it' });
    await app.close();
    const after = seen.length;
    await start(Billing);
    await until(() => notes.calls.at(-1) === 'orders-0@3', { what: 'everything stored' });
    expect(seen.slice(after).filter((order) => order !== 'stuck')).toEqual([]);
  });

  it('says where it goes on when the log does not hold the stored offset any more', async () => {
    const notes = new Notes();
    notes.offsets.set('billing orders-0', { topic: 'orders', partition: 0, offset: 77, metadata: '', epoch: 0 });
    const seen: string[] = [];
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', offsets: { store: notes } })
      pay(@Payload() order: string): void {
        seen.push(order);
      }
    }
    await send('a');
    await start(Billing);
    await until(() => seen.length === 1, { what: 'the record' });
    expect(logger.lines.join('\n')).toMatch(
      /orders-0 of group 'billing' stood at 77, which the log does not hold: reading from 0/,
    );
  });
});

describe('@ExternalOffsets in the transaction', () => {
  const open = () => {
    const database = new sqlite.Database(':memory:');
    database.exec('CREATE TABLE payments (id TEXT, at INTEGER)');
    return database;
  };

  it('stores results and position together, and undoes them together', async () => {
    const database = open();
    let attempts = 0;
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing' })
      @ExternalOffsets({ store: database, transaction: true })
      async pay(@Payload() order: string, @RawRecord() { offset }: { offset: number }, @Sql() sql: SqlTransaction) {
        await sql.query('INSERT INTO payments (id, at) VALUES (?, ?)', [order, offset]);
        if (order === 'b' && attempts++ === 0) throw new Error('declined');
        const { rows } = await sql.query('SELECT next_offset FROM nestdaw_offsets');
        expect(rows).toEqual([{ next_offset: offset }]);
      }
    }
    await send('a');
    // The position is there before the first record: a restart begins at the same place.
    const first = await start(Billing);
    await send('b', 'c');
    const stored = () =>
      (database.get('SELECT next_offset FROM nestdaw_offsets') as { next_offset: number } | null)?.next_offset;
    await until(() => stored() === 3, { what: 'all' });
    await first.close();
    expect(database.all('SELECT id, at FROM payments')).toEqual([
      { id: 'a', at: 0 },
      { id: 'b', at: 1 },
      { id: 'c', at: 2 },
    ]);
    database.close();
  });

  it('rolls back what an owner does that has a successor', async () => {
    const database = open();
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing' })
      @ExternalOffsets({ store: database, transaction: true })
      async pay(@Payload() order: string, @Sql() sql: SqlTransaction): Promise<void> {
        await sql.query('INSERT INTO payments (id, at) VALUES (?, 0)', [order]);
      }
    }
    const app = await start(Billing);
    const failures: unknown[] = [];
    app
      .get(ContainerRegistry)
      .list()[0]!
      .onEvent((event) => {
        if (event.type === 'failed') failures.push(event.error);
      });
    // Somebody else has taken the partition over.
    database.exec('UPDATE nestdaw_offsets SET epoch = epoch + 1');
    await send('a');
    await until(() => failures.length > 0, { what: 'the refusal' });
    expect(failures[0]).toMatchObject({ code: 'KAFKA_REBALANCED' });
    expect(database.all('SELECT * FROM payments')).toEqual([]);
    await app.close();
    database.close();
  });

  it('shares the transaction with message ids, and commits the front of a batch that failed', async () => {
    const database = open();
    let isFirst = true;
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', batch: true, payload: String })
      @Idempotent({ id: (record) => record.value!.toString(), store: database })
      @ExternalOffsets({ store: database, transaction: true })
      async pay(@Payload() orders: string[], @Sql() sql: SqlTransaction): Promise<void> {
        for (const [index, order] of orders.entries()) {
          if (order === 'c' && isFirst) {
            isFirst = false;
            throw new BatchListenerFailedError(index, new Error('declined'));
          }
          await sql.query('INSERT INTO payments (id, at) VALUES (?, 0)', [order]);
        }
      }
    }
    await send('a', 'b', 'a', 'c', 'a');
    const app = await start(Billing);
    const stored = () =>
      (database.get('SELECT next_offset FROM nestdaw_offsets') as { next_offset: number } | null)?.next_offset;
    await until(() => stored() === 5, { what: 'all' });
    expect(database.all('SELECT id FROM payments')).toEqual(['a', 'b', 'c'].map((id) => ({ id })));
    await app.close();
    database.close();
  });
});

describe('mistakes of @ExternalOffsets', () => {
  it('are found at start', async () => {
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'a', offsets: { store: 'file', transaction: true } })
      a(): void {}
      @KafkaListener({ topics: 'orders', groupId: 'b', offsets: { store: 'file', convention: 'after' } })
      b(): void {}
      @KafkaListener({ topics: 'orders', broadcast: true, offsets: { store: 'file' } })
      c(): void {}
      @KafkaListener({ topics: 'orders', groupId: 'd', offsets: { store: 'redis' } })
      d(): void {}
    }
    const message = await start(Billing).then(
      () => '',
      (error: Error) => error.message,
    );
    expect(message).toMatch(/Billing\.a.*needs a store in SQL/);
    expect(message).toMatch(/Billing\.b.*allowed: next, last/);
    expect(message).toMatch(/Billing\.c.*offsets are stored by group/);
    expect(message).toMatch(/Billing\.d.*kafka\.redis\.url/);
  });
});
