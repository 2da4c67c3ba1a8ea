import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Injectable, type Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import sqlite from 'node-sqlite3-wasm';
import { deferred } from '../../../../src/common/lifecycle.js';
import {
  Ack,
  type Acknowledgment,
  BatchListenerFailedError,
  type ContainerEvent,
  ContainerRegistry,
  Header,
  Idempotent,
  KafkaHeaders,
  KafkaListener,
  KafkaModule,
  Payload,
  RetryableTopic,
  Sql,
  type SqlTransaction,
} from '../../../../src/index.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';
import { until } from '../../../../src/testing/until.js';
import { ScriptedDedupStore } from '../../../support/scripted-dedup-store.js';

// Guards before listeners, over a real broker.

interface Order {
  readonly id: string;
}

let kafka: EmbeddedKafka;
let app: INestApplicationContext | undefined;

beforeEach(async () => {
  kafka = await EmbeddedKafka.start({ topics: { orders: 2 } });
});
afterEach(async () => {
  await app?.close();
  app = undefined;
  await kafka.stop();
});

async function start(provider: Provider, more: Provider[] = [], properties: Record<string, string> = {}) {
  const builder = Test.createTestingModule({
    imports: [
      KafkaModule.forRoot({ properties: { ...kafka.properties(), ...properties }, cwd: '/nowhere', env: {}, argv: [] }),
    ],
    providers: [provider, ...more],
  });
  const module = await builder.compile();
  module.useLogger(false);
  app = await module.init();
  return app;
}

/** Sends ids as headers and payloads. */
async function send(ids: readonly string[], partition = 0): Promise<void> {
  await kafka.produce(
    'orders',
    partition,
    ids.map((id) => ({
      key: Buffer.from(id),
      value: Buffer.from(JSON.stringify({ id })),
      headers: [{ key: 'message-id', value: Buffer.from(id) }],
    })),
  );
}

const duplicatesOf = () => {
  const { consumers } = app!.get(ContainerRegistry).list()[0]!.describe();
  return consumers.reduce((sum, { counters }) => sum + counters.duplicates, 0);
};

describe('@Idempotent', () => {
  it('handles each message once, and tells what it passed over', async () => {
    const seen: string[] = [];
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing' })
      @Idempotent()
      pay(@Payload() order: Order): void {
        seen.push(order.id);
      }
    }
    await send(['a', 'b', 'a']);
    await start(Billing);
    const events: ContainerEvent[] = [];
    app!
      .get(ContainerRegistry)
      .list()[0]!
      .onEvent((event) => events.push(event));
    await send(['b', 'c'], 1);
    await kafka.untilConsumed('billing', 'orders');
    expect([...seen].sort()).toEqual(['a', 'b', 'c']);
    expect(duplicatesOf()).toBe(2);
    await send(['c']);
    await until(() => events.some(({ type }) => type === 'duplicates'), { what: 'the event' });
  });

  it.each([
    ['#header:message-id', 'by header'],
    ['id', 'by a property of the payload'],
    ['#key', 'by the key'],
  ])('%s tells messages apart %s', async (id) => {
    const seen: string[] = [];
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', idempotent: { id } })
      pay(@Payload() order: Order): void {
        seen.push(order.id);
      }
    }
    await send(['a', 'a', 'b']);
    await start(Billing);
    await kafka.untilConsumed('billing', 'orders');
    expect(seen).toEqual(['a', 'b']);
  });

  it('frees the id of a handler that failed', async () => {
    const attempts: string[] = [];
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing' })
      @Idempotent({ id: (record) => record.key?.toString() })
      async pay(@Payload() order: Order): Promise<void> {
        attempts.push(order.id);
        await Promise.resolve();
        if (attempts.length < 3) throw new Error('declined');
      }
    }
    await send(['a', 'a']);
    await start(Billing);
    await kafka.untilConsumed('billing', 'orders');
    expect(attempts).toEqual(['a', 'a', 'a']);
  });

  it('runs equal ids of a pool one after another, and the second not at all', async () => {
    const seen: string[] = [];
    const gate = deferred();
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', order: 'none', workers: 8 })
      @Idempotent({ store: new ScriptedDedupStore() })
      async pay(@Payload() order: Order): Promise<void> {
        seen.push(order.id);
        await gate.promise;
      }
    }
    await send(['a', 'a', 'b', 'a']);
    await send(['a', 'b'], 1);
    await start(Billing);
    await until(() => seen.length === 2, { what: 'two handlers' });
    gate.resolve();
    await kafka.untilConsumed('billing', 'orders');
    expect([...seen].sort()).toEqual(['a', 'b']);
  });

  it('gives a batch only its new records, claimed in one call', async () => {
    const batches: string[][] = [];
    const store = new ScriptedDedupStore();
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', batch: true })
      @Idempotent({ store })
      pay(@Payload() orders: Order[]): void {
        batches.push(orders.map(({ id }) => id));
      }
    }
    await send(['a', 'b', 'a', 'c']);
    await start(Billing);
    await kafka.untilConsumed('billing', 'orders');
    await send(['b', 'd', 'c']);
    await kafka.untilConsumed('billing', 'orders');
    expect(batches).toEqual([['a', 'b', 'c'], ['d']]);
    expect(store.calls.filter((call) => call.startsWith('claim'))).toEqual(['claim a b c', 'claim b d c']);
    expect(duplicatesOf()).toBe(3);
  });

  it('finishes the records of a batch before the one that failed', async () => {
    const batches: string[][] = [];
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', batch: true })
      @Idempotent()
      pay(@Payload() orders: Order[]): void {
        batches.push(orders.map(({ id }) => id));
        const bad = orders.findIndex(({ id }) => id === 'c');
        if (bad !== -1 && batches.length === 1) throw new BatchListenerFailedError(bad, new Error('declined'));
      }
    }
    await send(['a', 'a', 'b', 'c', 'd']);
    await start(Billing);
    await kafka.untilConsumed('billing', 'orders');
    expect(batches).toEqual([
      ['a', 'b', 'c', 'd'],
      ['c', 'd'],
    ]);
  });

  it('takes an id as handled when the handler acknowledges, not when it returns', async () => {
    const seen: string[] = [];
    const acks: Acknowledgment[] = [];
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', ackMode: 'MANUAL_IMMEDIATE', order: 'none', workers: 4 })
      @Idempotent()
      pay(@Payload() order: Order, @Ack() ack: Acknowledgment): void {
        seen.push(order.id);
        acks.push(ack);
      }
    }
    await start(Billing);
    await send(['a', 'a']);
    await until(() => seen.length === 1, { what: 'the first' });
    expect(duplicatesOf()).toBe(0);
    await acks[0]!.acknowledge();
    await kafka.untilConsumed('billing', 'orders');
    expect(seen).toEqual(['a']);
    expect(duplicatesOf()).toBe(1);
  });

  it('commits nothing that the store does not know to be handled', async () => {
    const seen: string[] = [];
    const store = new ScriptedDedupStore();
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing' })
      @Idempotent({ store })
      pay(@Payload() order: Order): void {
        seen.push(order.id);
        store.isDown = order.id === 'b';
      }
    }
    await start(Billing);
    await send(['a']);
    await kafka.untilConsumed('billing', 'orders');
    await send(['b']);
    const failed = deferred();
    app!
      .get(ContainerRegistry)
      .list()[0]!
      .onEvent(({ type }) => type === 'commit-failed' && failed.resolve());
    await failed.promise;
    expect((await kafka.committed('billing', 'orders'))[0]).toBe(1);
    store.isDown = false;
    await kafka.untilConsumed('billing', 'orders');
    expect(seen).toEqual(['a', 'b']);
  });

  it('fails a record without an id for good, and says what to do', async () => {
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', deadLetters: true })
      @Idempotent({ id: '#header:other' })
      pay(): void {}
    }
    await start(Billing);
    await send(['a']);
    const [letter] = await kafka.untilRecords('orders-dlt', 1);
    const message = letter!.headers.find(({ key }) => key === 'kafka_dlt-exception-message')?.value?.toString();
    expect(message).toMatch(/orders-0 offset 0 has no message id, so listener 'Billing.pay' cannot tell/);
  });

  it('knows a message again that comes through a retry topic', async () => {
    const seen: string[] = [];
    @Injectable()
    class Billing {
      @RetryableTopic({ attempts: 2, backOff: { delay: 10 } })
      @KafkaListener({ topics: 'orders', groupId: 'billing' })
      @Idempotent({ store: new ScriptedDedupStore() })
      pay(@Payload() order: Order, @Header(KafkaHeaders.RECEIVED_TOPIC) topic: string): void {
        seen.push(`${order.id} of ${topic}`);
        if (topic === 'orders') throw new Error('declined');
      }
    }
    await start(Billing);
    await send(['a']);
    await until(() => seen.length === 2, { what: 'the retry' });
    await kafka.untilConsumed('billing-retry', 'orders-retry');
    await send(['a']);
    await kafka.untilConsumed('billing', 'orders');
    expect(seen).toEqual(['a of orders', 'a of orders-retry']);
  });

  it('is a default of the module, of the configuration, and left out by a listener that says so', async () => {
    const seen: string[] = [];
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'guarded' })
      pay(@Header('message-id') id: string): void {
        seen.push(`guarded ${id}`);
      }

      @KafkaListener({ topics: 'orders', groupId: 'open', idempotent: false })
      all(@Header('message-id') id: string): void {
        seen.push(`open ${id}`);
      }
    }
    await send(['a', 'a']);
    await start(Billing, [], { 'kafka.listener.idempotent.id': '#header:message-id' });
    await kafka.untilConsumed('guarded', 'orders');
    await kafka.untilConsumed('open', 'orders');
    expect([...seen].sort()).toEqual(['guarded a', 'open a', 'open a']);
  });
});

describe('@Idempotent in SQL', () => {
  it('writes id and effect in one transaction', async () => {
    const database = new sqlite.Database(':memory:');
    database.exec('CREATE TABLE payments (id TEXT, attempt INTEGER)');
    let attempts = 0;
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing' })
      @Idempotent({ store: 'DATABASE' })
      async pay(@Payload() order: Order, @Sql() sql: SqlTransaction<sqlite.Database>): Promise<void> {
        await sql.query('INSERT INTO payments (id, attempt) VALUES (?, ?)', [order.id, ++attempts]);
        // The effect is written, and undone with the id.
        if (order.id === 'b' && attempts === 2) throw new Error('declined');
      }
    }
    await send(['a', 'b', 'a', 'b', 'c']);
    await start(Billing, [{ provide: 'DATABASE', useValue: database }]);
    await kafka.untilConsumed('billing', 'orders');
    expect(database.all('SELECT id, attempt FROM payments')).toEqual([
      { id: 'a', attempt: 1 },
      { id: 'b', attempt: 3 },
      { id: 'c', attempt: 4 },
    ]);
    expect(duplicatesOf()).toBe(2);
    expect(database.all('SELECT scope, id FROM nestdaw_dedup ORDER BY id')).toEqual(
      ['a', 'b', 'c'].map((id) => ({ scope: 'billing/orders', id })),
    );
    await app!.close();
    database.close();
  });

  it('commits the records of a batch before the one that failed', async () => {
    const database = new sqlite.Database(':memory:');
    database.exec('CREATE TABLE payments (id TEXT)');
    let isFirst = true;
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', batch: true })
      @Idempotent({ store: database })
      async pay(@Payload() orders: Order[], @Sql() sql: SqlTransaction): Promise<void> {
        for (const [index, { id }] of orders.entries()) {
          if (id === 'c' && isFirst) {
            isFirst = false;
            throw new BatchListenerFailedError(index, new Error('declined'));
          }
          await sql.query('INSERT INTO payments (id) VALUES (?)', [id]);
        }
      }
    }
    await send(['a', 'b', 'a', 'c', 'd']);
    await start(Billing);
    await kafka.untilConsumed('billing', 'orders');
    expect(database.all('SELECT id FROM payments')).toEqual(['a', 'b', 'c', 'd'].map((id) => ({ id })));
    await app!.close();
    database.close();
  });
});

describe('mistakes of @Idempotent', () => {
  const mistakesOf = async (provider: Provider, properties: Record<string, string> = {}) => {
    const failure = start(provider, [], properties).then(
      () => '',
      (error: Error) => error.message,
    );
    return failure;
  };

  it('are found at start, each with the option and what to do', async () => {
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'a', idempotent: { id: '#headers:x' } })
      a(): void {}
      @KafkaListener({ topics: 'orders', groupId: 'b', idempotent: { window: 500 } })
      b(): void {}
      @KafkaListener({ topics: 'orders', groupId: 'c', idempotent: { store: 'redis' } })
      c(): void {}
      @KafkaListener({ topics: 'orders', groupId: 'd', idempotent: { store: 'nowhere', lease: '1ms' } })
      d(): void {}
      @KafkaListener({ topics: 'orders', groupId: 'e', idempotent: true })
      e(@Sql() _sql: SqlTransaction): void {}
      @KafkaListener({ topics: 'orders', groupId: 'f', idempotent: { store: new Map() } })
      f(): void {}
      @KafkaListener({ topics: 'orders', groupId: 'g', ackMode: 'TIME', idempotent: { window: 5000 } })
      g(): void {}
    }
    const message = await mistakesOf(Billing);
    expect(message).toMatch(/Billing\.a.*#headers:x.*is unknown; allowed: #header:name/);
    expect(message).toMatch(/Billing\.b.*up to 500 records of a partition can be redelivered/);
    expect(message).toMatch(/Billing\.c.*kafka\.redis\.url/);
    expect(message).toMatch(/Billing\.d.*there is no provider nowhere/);
    expect(message).toMatch(/Billing\.d.*from 1s to 1h/);
    expect(message).toMatch(/Billing\.e.*parameter 1 is @Sql\(\)/);
    expect(message).toMatch(/Billing\.f.*Map is no SQL client that is known/);
    expect(message).toMatch(/Billing\.g.*give a window of time/);
  });
});

describe('@Idempotent in a topic', () => {
  it('knows after a restart what was handled before, and forgets beyond its window', async () => {
    const seen: string[] = [];
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', properties: { 'max.poll.records': 2 } })
      @Idempotent({ store: 'topic', window: 3 })
      pay(@Payload() order: Order): void {
        seen.push(order.id);
      }
    }
    await send(['a', 'b', 'a', 'c', 'd']);
    await start(Billing);
    await kafka.untilConsumed('billing', 'orders');
    await app!.close();
    await send(['d', 'b', 'a']);
    await start(Billing);
    await kafka.untilConsumed('billing', 'orders');
    // `a` was beyond the last three; the others are known from the topic.
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'a']);
    const journal = await kafka.records('billing.orders.message-ids');
    expect(
      journal.map(({ key, value }) => `${key!.toString().split('\0')[1]!}${value === null ? ' forgotten' : ''}`),
    ).toEqual(['a', 'b', 'c', 'd', 'a forgotten', 'a', 'b forgotten']);
  });
});

describe('@Idempotent in two processes', () => {
  it('handles an id once that both get at the same moment', async () => {
    const store = new ScriptedDedupStore();
    const seen: string[] = [];
    const gate = deferred();
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing' })
      @Idempotent({ store })
      async pay(@Payload() order: Order): Promise<void> {
        seen.push(order.id);
        await gate.promise;
      }
    }
    // Soon aware of each other.
    const quick = { 'kafka.consumer.heartbeat-interval': '50' };
    const first = await start(Billing, [], quick);
    const second = await start(Billing, [], quick);
    const shares = () => [first, second].map((one) => one.get(ContainerRegistry).list()[0]!.assignment().length);
    await until(() => shares().join() === '1,1', { what: 'a partition each' });
    await Promise.all([send(['x'], 0), send(['x'], 1)]);
    await until(() => store.calls.filter((call) => call === 'claim x').length >= 2, { what: 'both claims' });
    expect(seen).toEqual(['x']);
    gate.resolve();
    await kafka.untilConsumed('billing', 'orders');
    expect(seen).toEqual(['x']);
    await first.close();
  });
});
