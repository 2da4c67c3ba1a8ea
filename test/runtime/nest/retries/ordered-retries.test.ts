import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { DltHandler, KafkaListener, Key, Payload, RetryableTopic } from '../../../../src/index.js';
import { LANE_NOTE } from '../../../../src/runtime/retry/ordered-retries.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';
import { until } from '../../../../src/testing/until.js';
import { startOnBroker } from '../../../support/broker-app.js';

let kafka: EmbeddedKafka;
beforeEach(async () => {
  kafka = await EmbeddedKafka.start({ topics: { orders: 2 } });
});
afterEach(() => kafka.stop());

/** Records `<key><number>`, `a1`, in partition 1. */
function named(...names: string[]) {
  return names.map((name) => ({ key: Buffer.from(name[0]!), value: Buffer.from(JSON.stringify({ name })) }));
}

/** A listener whose `fails` decides; what was handled is kept in order. */
function listenerOf(fails: (name: string, tries: number) => boolean, delay = 30) {
  const done: string[] = [];
  const tries = new Map<string, number>();
  const letters: string[] = [];
  @Injectable()
  class Orders {
    @RetryableTopic({ attempts: 3, backOff: { delay }, order: 'key' })
    @KafkaListener({ id: 'orders', topics: 'orders', workers: 8, order: 'key' })
    async handle(@Payload() { name }: { name: string }) {
      tries.set(name, (tries.get(name) ?? 0) + 1);
      await Promise.resolve();
      if (fails(name, tries.get(name)!)) throw new Error(`no ${name}`);
      done.push(name);
    }

    @DltHandler()
    refused(@Payload() { name }: { name: string }, @Key() key: string) {
      letters.push(`${key} ${name}`);
    }
  }
  return { done, tries, letters, Orders };
}

describe("@RetryableTopic with order: 'key'", () => {
  it('keeps the records of a key in order while one is retried, and lets other keys pass', async () => {
    const { done, letters, tries, Orders } = listenerOf((name, count) => (name === 'a1' && count < 3) || name === 'b2');
    const { app } = await startOnBroker(kafka, { providers: [Orders] });
    await kafka.produce('orders', 1, named('a1', 'b1', 'a2', 'c1', 'b2', 'b3', 'a3', 'c2'));
    await until(() => done.length === 7 && letters.length === 1, { what: 'everything' });
    expect(done.filter((name) => name.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
    expect(done.filter((name) => name.startsWith('b'))).toEqual(['b1', 'b3']);
    expect(done.slice(0, 3)).toEqual(expect.arrayContaining(['b1', 'c1', 'c2']));
    expect(letters).toEqual(['b b2']);
    expect([tries.get('a1'), tries.get('b2'), tries.get('a2')]).toEqual([3, 3, 1]);
    await kafka.untilConsumed('orders', 'orders');
    await kafka.untilConsumed('orders', 'orders-retry');
    // The lane is empty: new records of the key are handled where they are.
    const lane = (await kafka.records('orders-retry')).length;
    await kafka.produce('orders', 1, named('a4'));
    await until(() => done.includes('a4'), { what: 'a4' });
    expect((await kafka.records('orders-retry')).length).toBe(lane);
    await app.close();
  });

  it('goes on in order after a restart, with the deliveries counted', async () => {
    const first = listenerOf((name) => name === 'a1', 60_000);
    const { app } = await startOnBroker(kafka, { providers: [first.Orders] });
    await kafka.produce('orders', 1, named('a1', 'a2', 'b1'));
    await kafka.untilRecords('orders-retry', 2);
    await kafka.untilConsumed('orders', 'orders');
    await app.close();
    expect(first.done).toEqual(['b1']);

    // Two hours later, says a note as the first process would have written it after another delivery.
    const [head] = await kafka.records('orders-retry');
    const attempts = Buffer.from([0, 0, 0, 3]);
    const headers = [
      { key: LANE_NOTE, value: Buffer.alloc(8) },
      { key: 'retry_topic-attempts', value: attempts },
      { key: 'retry_topic-backoff-timestamp', value: Buffer.from([1]) },
    ];
    expect(head!.offset).toBe(0);
    await kafka.produce('orders-retry', 1, [{ key: Buffer.from('a'), value: null, headers }]);
    const second = listenerOf((name) => name === 'a1');
    const { app: again } = await startOnBroker(kafka, { providers: [second.Orders] });
    await kafka.produce('orders', 1, named('a3', 'b2'));
    await until(() => second.done.length === 3 && second.letters.length === 1, { what: 'everything' });
    expect(second.tries.get('a1')).toBe(1);
    expect(second.done.filter((name) => name.startsWith('a'))).toEqual(['a2', 'a3']);
    expect(second.letters).toEqual(['a a1']);
    await again.close();
  });
});
