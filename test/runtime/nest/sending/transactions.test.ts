import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { deferred } from '../../../../src/common/lifecycle.js';
import {
  Ack,
  type Acknowledgment,
  Consumer,
  getKafkaTransactionManagerToken,
  KafkaListener,
  type KafkaRecord,
  KafkaTemplate,
  KafkaTransactionManager,
  type ListenerConsumer,
  Producer,
  Record,
  Transactional,
} from '../../../../src/index.js';
import { KafkaConnection } from '../../../../src/runtime/nest/connection/kafka-connection.js';
import { EmbeddedKafka, until } from '../../../../src/testing/index.js';
import { type BrokerApp, startOnBroker } from '../../../support/broker-app.js';
import { readCommitted } from '../../../support/committed-reader.js';
import { startApp } from '../../../support/kafka-app.js';

// Transactions of an application's own code, over our broker on a real port.

let kafka: EmbeddedKafka;
let running: BrokerApp | undefined;

beforeEach(async () => {
  kafka = await EmbeddedKafka.start({ topics: { orders: 2, audit: 1 } });
});
afterEach(async () => {
  await running?.app.close();
  running = undefined;
  await kafka.stop();
});

const TRANSACTIONS = { 'kafka.producer.transaction-id-prefix': 'tx-' };

async function start(providers: any[] = [], properties: Record<string, string> = TRANSACTIONS) {
  running = await startOnBroker(kafka, { providers }, properties);
  const { app } = running;
  return { app, template: app.get(KafkaTemplate), transactions: app.get(KafkaTransactionManager) };
}

async function seen(topic = 'orders'): Promise<string[]> {
  const records = await readCommitted(kafka.bootstrapServers, topic);
  return records.map(({ value }) => String(value)).sort();
}

const failure = new Error('no stock');

describe('executeInTransaction', () => {
  it('commits what its work sent, over topics, and gives its result', async () => {
    const { template } = await start();
    const result = await template.executeInTransaction(async (sending) => {
      expect([sending.transactional, sending.inTransaction]).toEqual([true, true]);
      await sending.send('orders', 'a', 'one');
      void sending.send('audit', 'two'); // not awaited: the commit waits for it
      return 7;
    });
    expect(result).toBe(7);
    expect([template.inTransaction, await seen(), await seen('audit')]).toEqual([false, ['one'], ['two']]);
  });

  it('aborts when its work fails, and the failure is the caller’s', async () => {
    const { template } = await start();
    const work = template.executeInTransaction(async () => {
      await template.send('orders', 'lost');
      throw failure;
    });
    await expect(work).rejects.toBe(failure);
    await template.executeInTransaction(() => template.send('orders', 'kept'));
    expect(await seen()).toEqual(['kept']);
  });

  it('gives transactions at the same time a producer each, and keeps them', async () => {
    const { app, template } = await start();
    const round = () =>
      Promise.all(
        Array.from({ length: 5 }, (_, n) =>
          template
            .executeInTransaction(async () => {
              await template.send('orders', `k${n}`, `v${n}`);
              if (n % 2 === 1) throw failure;
            })
            .catch((error: unknown) => error),
        ),
      );
    expect(await round()).toEqual([undefined, failure, undefined, failure, undefined]);
    await round();
    expect(await seen()).toEqual(['v0', 'v0', 'v2', 'v2', 'v4', 'v4']);
    expect(app.get(KafkaConnection).transactionalProducers?.size).toBe(5);
  });

  it('cannot be nested', async () => {
    const { template } = await start();
    const nested = template.executeInTransaction(() => template.executeInTransaction(() => 1));
    await expect(nested).rejects.toMatchObject({ code: 'KAFKA_TRANSACTION_STATE' });
  });

  it('says what to set where transactions are not configured', async () => {
    const { template, transactions } = await start([], {});
    await template.send('orders', 'plain');
    const missing = { code: 'KAFKA_CONFIG_INVALID', message: expect.stringContaining('transaction-id-prefix') };
    await expect(template.executeInTransaction(() => 1)).rejects.toMatchObject(missing);
    await expect(transactions.run(() => 1)).rejects.toMatchObject(missing);
    expect([template.transactional, template.inTransaction]).toEqual([false, false]);
  });
});

describe('listeners of what transactions sent', () => {
  const committed: string[] = [];
  const every: string[] = [];

  @Injectable()
  class Readers {
    @KafkaListener({ topics: 'audit', groupId: 'careful', properties: { 'isolation.level': 'read_committed' } })
    careful(value: string): void {
      committed.push(value);
    }

    @KafkaListener({ topics: 'audit', groupId: 'any', properties: { 'isolation.level': 'read_uncommitted' } })
    any(value: string): void {
      every.push(value);
    }
  }

  beforeEach(() => {
    committed.length = every.length = 0;
  });

  it('see the committed half under read_committed, all of it under read_uncommitted, and leave no lag', async () => {
    const { template } = await start([Readers]);
    const numbered = (name: string) => Array.from({ length: 100 }, (_, n) => `${name} ${n}`);
    const send = (name: string) => Promise.all(numbered(name).map((value) => template.send('audit', value)));
    await template.executeInTransaction(() => send('kept'));
    const aborted = template.executeInTransaction(async () => {
      await send('lost');
      throw failure;
    });
    await expect(aborted).rejects.toBe(failure);
    await Promise.all([kafka.untilConsumed('careful', 'audit'), kafka.untilConsumed('any', 'audit')]);
    expect(committed).toEqual(numbered('kept'));
    expect(every).toEqual([...numbered('kept'), ...numbered('lost')]);
  });

  it('wait behind a transaction that is open under read_committed, with plain records too', async () => {
    const { template } = await start([Readers], { ...TRANSACTIONS, 'kafka.template.allow-non-transactional': 'true' });
    const end = deferred();
    const open = template.executeInTransaction(async () => {
      await template.send('audit', 'open');
      await end.promise;
    });
    await until(() => every.length === 1, { what: 'the record of the open transaction' });
    await template.send('audit', 'plain');
    await kafka.untilConsumed('any', 'audit');
    expect([every, committed]).toEqual([['open', 'plain'], []]);
    end.resolve();
    await open;
    await kafka.untilConsumed('careful', 'audit');
    expect(committed).toEqual(['open', 'plain']);
  });
});

describe('a transactional template', () => {
  it('refuses to send outside of a transaction', async () => {
    const { template } = await start();
    const refusal = { code: 'KAFKA_TRANSACTION_STATE', message: expect.stringContaining('allow-non-transactional') };
    await expect(template.send('orders', 'x')).rejects.toMatchObject(refusal);
  });

  it('sends outside where that is allowed', async () => {
    const allowed = { ...TRANSACTIONS, 'kafka.template.allow-non-transactional': 'true' };
    const { template, transactions } = await start([], allowed);
    await template.send('orders', 'outside');
    await transactions
      .run(async () => {
        await template.send('orders', 'inside');
        await transactions.outside(() => template.send('orders', 'at once'));
        throw failure;
      })
      .catch(() => undefined);
    expect(await seen()).toEqual(['at once', 'outside']);
  });

  it('refuses sends of code that outlives its transaction', async () => {
    const { template, transactions } = await start();
    const gate = deferred();
    let late: Promise<unknown> | undefined;
    await transactions.run(() => {
      late = gate.promise.then(() => template.send('orders', 'late')).catch((error: unknown) => error);
    });
    gate.resolve();
    expect(await late).toMatchObject({ code: 'KAFKA_TRANSACTION_STATE' });
    expect(await seen()).toEqual([]);
  });

  it('takes offsets of a listener that does all of it by hand', async () => {
    @Injectable()
    class ByHand {
      constructor(readonly template: KafkaTemplate) {}

      @KafkaListener({ topics: 'audit', groupId: 'by-hand', ackMode: 'MANUAL' })
      async handle(
        @Record() { topic, partition, offset }: KafkaRecord,
        @Consumer() consumer: ListenerConsumer,
        @Ack() _ack: Acknowledgment,
      ): Promise<void> {
        await this.template.executeInTransaction(async (template) => {
          await template.send('orders', `of ${offset}`);
          const next = [{ topic, partition, offset: offset + 1 }];
          await template.sendOffsetsToTransaction(next, consumer.groupMetadata!()!);
        });
      }
    }
    await start([ByHand]);
    await kafka.produce('audit', 0, [{ key: null, value: Buffer.from('1') }]);
    await kafka.untilConsumed('by-hand', 'audit');
    expect(await seen()).toEqual(['of 0']);
  });

  it('makes offsets part of the transaction', async () => {
    const { template } = await start();
    const offsets = [{ topic: 'audit', partition: 0, offset: 5 }];
    await template
      .executeInTransaction(async () => {
        await template.sendOffsetsToTransaction(offsets, 'readers');
        throw failure;
      })
      .catch(() => undefined);
    expect(await kafka.committed('readers', 'audit')).toEqual([-1]);
    await template.executeInTransaction(() => template.sendOffsetsToTransaction(offsets, 'readers'));
    expect(await kafka.committed('readers', 'audit')).toEqual([5]);
    const outside = template.sendOffsetsToTransaction(offsets, 'readers');
    await expect(outside).rejects.toMatchObject({ code: 'KAFKA_TRANSACTION_STATE' });
  });
});

describe('KafkaTransactionManager', () => {
  it('joins the transaction that the caller runs in, whose end decides', async () => {
    const { template, transactions } = await start();
    const outer = transactions.run(async (transaction) => {
      await transactions.run(async (inner) => {
        expect(inner).toBe(transaction);
        await template.send('orders', 'inner');
      });
      throw failure;
    });
    await expect(outer).rejects.toBe(failure);
    expect(await seen()).toEqual([]);
  });

  it('aborts all of it when a part failed, though somebody caught that', async () => {
    const { template, transactions } = await start();
    const outer = transactions.run(async () => {
      await template.send('orders', 'outer');
      await transactions.run(() => Promise.reject(failure)).catch(() => undefined);
    });
    await expect(outer).rejects.toMatchObject({ code: 'KAFKA_TRANSACTION_ABORTED', cause: failure });
    expect(await seen()).toEqual([]);
  });

  it('begins one of its own where asked', async () => {
    const { template, transactions } = await start();
    const outer = transactions.run(async () => {
      await template.send('orders', 'outer');
      await transactions.run(() => template.send('audit', 'inner'), { propagation: 'requires-new' });
      throw failure;
    });
    await expect(outer).rejects.toBe(failure);
    expect([await seen(), await seen('audit')]).toEqual([[], ['inner']]);
  });

  it('aborts on request', async () => {
    const { template, transactions } = await start();
    const work = transactions.run(async (transaction) => {
      await template.send('orders', 'x');
      transaction.setRollbackOnly();
    });
    await expect(work).rejects.toMatchObject({ code: 'KAFKA_TRANSACTION_ABORTED' });
    expect(await seen()).toEqual([]);
  });

  it('is injectable for a connection by its name', async () => {
    const { app, transactions } = await start();
    expect(app.get(getKafkaTransactionManagerToken())).toBe(transactions);
  });
});

@Injectable()
class Orders {
  constructor(readonly template: KafkaTemplate) {}

  @Transactional('kafka')
  async place(id: string, fails = false): Promise<string> {
    await this.template.send('orders', id);
    await this.note(id);
    if (fails) throw failure;
    return id;
  }

  @Producer({ topic: 'audit' })
  async note(id: string): Promise<string> {
    return `placed ${id}`;
  }
}

describe('@Transactional', () => {
  it('runs a method in a transaction that @Producer methods and templates join', async () => {
    const { app } = await start([Orders]);
    const orders = app.get(Orders);
    expect(await orders.place('1')).toBe('1');
    await expect(orders.place('2', true)).rejects.toBe(failure);
    expect([await seen(), await seen('audit')]).toEqual([['1'], ['placed 1']]);
  });

  it('joins what its caller began', async () => {
    const { app, transactions } = await start([Orders]);
    const both = transactions.run(async () => {
      await app.get(Orders).place('1');
      await app.get(Orders).place('2');
      throw failure;
    });
    await expect(both).rejects.toBe(failure);
    expect(await seen()).toEqual([]);
  });

  it('is a mistake where transactions are not configured', async () => {
    const message = expect.stringMatching(
      /@Transactional of Orders\.place: needs kafka\.producer\.transaction-id-prefix/,
    );
    await expect(startApp({ providers: [Orders] })).rejects.toMatchObject({ code: 'KAFKA_CONFIG_INVALID', message });
  });

  it('runs the plain method of an instance that nobody bound', async () => {
    const sent: unknown[] = [];
    const template = { send: (...args: unknown[]) => Promise.resolve(void sent.push(args)) };
    expect(await new Orders(template as unknown as KafkaTemplate).place('1')).toBe('1');
    expect(sent).toEqual([['orders', '1']]);
  });

  it('needs idempotence', async () => {
    const properties = { ...TRANSACTIONS, 'kafka.producer.properties.enable.idempotence': 'false' };
    const message = expect.stringContaining('switches transactions on, and they need');
    await expect(startApp({}, properties)).rejects.toMatchObject({ code: 'KAFKA_CONFIG_INVALID', message });
  });
});

describe('a connection with transactions', () => {
  it('hands dead letters of listeners without them on all the same, and answers questions outside of any', async () => {
    @Injectable()
    class Plain {
      @KafkaListener({ topics: 'orders', groupId: 'plain', deadLetters: true })
      handle(): void {
        throw failure;
      }
    }
    const { template } = await start([Plain]);
    await kafka.produce('orders', 0, [{ key: null, value: Buffer.from('1') }]);
    await kafka.untilConsumed('plain', 'orders');
    expect((await seen('orders-dlt')).length).toBe(1);
    expect(await template.partitionsFor('orders')).toBe(2);
    await template.flush();
  });
});
