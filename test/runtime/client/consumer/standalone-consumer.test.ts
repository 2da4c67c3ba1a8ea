import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TopicPartition } from '../../../../src/common/topic-partition.js';
import { InMemoryCluster } from '../../../../src/runtime/client/cluster/in-memory-cluster.js';
import { type ConsumerOptions } from '../../../../src/runtime/client/consumer/consumer-options.js';
import { StandaloneConsumer } from '../../../../src/runtime/client/consumer/standalone-consumer.js';
import { type AssignedPartition } from '../../../../src/runtime/client/consumer-client.js';
import { EmbeddedKafka, until } from '../../../../src/testing/index.js';
import { numbered } from '../../../support/broker-app.js';

// Over our broker, without sockets.

let kafka: EmbeddedKafka;
let consumer: StandaloneConsumer | undefined;
const log: string[] = [];
let assigning: (added: readonly AssignedPartition[]) => Promise<void> | void = () => undefined;

const names = (partitions: readonly TopicPartition[]) => partitions.map((tp) => `${tp.topic}-${tp.partition}`).join();
const listener = {
  onAssigned: async (added: readonly AssignedPartition[], kept: readonly AssignedPartition[]) => {
    log.push(`+ ${names(added)} = ${names(kept)}`);
    await assigning(added);
  },
  onRevoked: (revoked: readonly TopicPartition[]) => void log.push(`- ${names(revoked)}`),
  onLost: () => undefined,
};

beforeEach(async () => {
  log.length = 0;
  assigning = () => undefined;
  kafka = await EmbeddedKafka.start({ topics: { orders: 2 } });
});

afterEach(async () => {
  await consumer?.stop();
  consumer = undefined;
  await kafka.stop();
});

function make(options: Partial<ConsumerOptions>): StandaloneConsumer {
  consumer = new StandaloneConsumer({
    groupId: '',
    topics: [],
    autoOffsetReset: 'earliest',
    metadataMaxAgeMs: 20,
    createCluster: () =>
      new InMemoryCluster({
        exchange: (frame) => kafka.broker.exchangeFrame(frame),
        metadataMaxAgeMs: 20,
        allowAutoCreateTopics: false,
      }),
    ...options,
  });
  return consumer;
}

const poll = async (maxWaitMs = 5_000) => {
  const polled = await consumer!.poll({ maxRecords: 100, maxWaitMs });
  return polled.flatMap(({ records }) => records.map((one) => `${one.topic}-${one.partition}@${one.offset}`));
};

describe('a consumer without membership', () => {
  it('hands nothing over of a new partition before its listener knows it', async () => {
    await make({ topicPattern: /orders|later/ }).start(listener);
    await kafka.produce('orders', 0, numbered(1));
    expect(await poll()).toEqual(['orders-0@0']);
    const early: string[][] = [];
    assigning = async () => {
      await kafka.produce('later', 0, numbered(1));
      await kafka.produce('orders', 0, numbered(1));
      early.push(await poll(100));
    };
    await kafka.createTopic('later');
    const got: string[] = [];
    while (got.length < 2) got.push(...(await poll(100)));
    expect(early).toEqual([[]]);
    expect(got.sort()).toEqual(['later-0@0', 'orders-0@1']);
    expect(log).toEqual(['+ orders-0,orders-1 = ', '+ later-0 = orders-0,orders-1']);
    await consumer!.stop();
    expect(log.at(-1)).toBe('- orders-0,orders-1,later-0');
  });

  it('starts without anything to read, and tells offsets', async () => {
    await make({ assignment: { partitions: [{ topic: 'orders', partition: 7 }], index: 0, of: 1 } }).start(listener);
    expect(log).toEqual(['+  = ']);
    expect(await poll(0)).toEqual([]);
    await kafka.produce('orders', 0, numbered(3));
    const partitions = [{ topic: 'orders', partition: 0 }];
    const at = async (moment: 'beginning' | 'end' | number) =>
      (await consumer!.offsetsAt(partitions, moment)).get('orders', 0);
    expect([await at('beginning'), await at('end'), await at(-5), await at(Date.now() + 1e6)]).toEqual([0, 3, 0, 3]);
  });

  it('refuses what it was stopped for', async () => {
    await make({ topics: ['orders'] }).start(listener);
    expect(() => consumer!.start(listener)).toThrow('started before');
    await consumer!.stop();
    await expect(poll()).rejects.toMatchObject({ code: 'KAFKA_STOPPED' });
    await consumer!.stop();
  });

  it('fails without a position when auto.offset.reset says none', async () => {
    await expect(make({ topics: ['orders'], autoOffsetReset: 'none' }).start(listener)).rejects.toMatchObject({
      code: 'KAFKA_NO_OFFSET',
    });
  });

  it('is moved out of a range that the log does not hold', async () => {
    await make({ topics: ['orders'] }).start(listener);
    await kafka.produce('orders', 1, numbered(2));
    consumer!.seek('orders', 1, 99);
    const events: unknown[] = [];
    consumer!.onEvent((event) => events.push(event));
    const got: string[] = [];
    await until(
      async () => {
        got.push(...(await poll(50)));
        return got.length >= 2;
      },
      { what: 'both records' },
    );
    expect(got).toEqual(['orders-1@0', 'orders-1@1']);
    expect(events).toMatchObject([{ type: 'offset-reset', from: 99, to: 0 }]);
  });
});
