import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Broker } from '../../../../src/broker/broker.js';
import { silentLogger } from '../../../../src/common/logger.js';
import { partitionName } from '../../../../src/common/topic-partition.js';
import { KafkajsCluster } from '../../../../src/runtime/client/cluster/kafkajs-cluster.js';
import { type ConsumerOptions } from '../../../../src/runtime/client/consumer/consumer-options.js';
import { KafkaProducer } from '../../../../src/runtime/client/producer/kafka-producer.js';
import { until } from '../../../../src/testing/until.js';
import { createTopic, createTopicNamed, growTopic } from '../../../support/client-broker.js';
import { Reader, SESSION_MS } from '../../../support/group-reader.js';

// A static member whose process comes back: the group hands the old assignment on, without a rebalance (KIP-345). It
// knows nothing of what the member wants now, nor of what became of the topics while the leader was away (KIP-814).

/** The watch looks once a day: only what the successor knows by itself makes it ask. */
const LATEST = { autoOffsetReset: 'latest', metadataMaxAgeMs: 86_400_000 } as const;
const APACHE = process.env.KAFKA_BOOTSTRAP_SERVERS?.split(',')[0];

describe.each(['range', 'cooperative-sticky'])('a static member with %s', (name) => {
  let broker: Broker | undefined;
  let address: string;
  let groupId: string;
  const readers: Reader[] = [];

  beforeEach(async () => {
    const config = { 'group.initial.rebalance.delay.ms': '0', 'group.min.session.timeout.ms': '100' };
    broker = APACHE ? undefined : await Broker.start({ port: 0, config });
    address = APACHE ?? broker!.bootstrapServers;
    groupId = `static-topics-${process.pid}-${process.hrtime.bigint()}`;
  });

  afterEach(async () => {
    for (const reader of readers.splice(0)) await reader.stop();
    await broker?.stop();
  });

  function start(
    groupInstanceId: string,
    topics: readonly string[],
    more: Partial<ConsumerOptions> = {},
  ): Promise<Reader> {
    const options = {
      groupId,
      topics,
      groupInstanceId,
      sessionTimeoutMs: SESSION_MS * 20,
      heartbeatIntervalMs: SESSION_MS / 9,
      partitionAssignmentStrategy: [name],
      logger: silentLogger,
      ...more,
    };
    readers.push(new Reader(address, options));
    return readers.at(-1)!.start();
  }

  async function send(topic: string, partition: number, value: string): Promise<void> {
    const cluster = new KafkajsCluster({ bootstrapServers: [address] });
    const producer = new KafkaProducer({ cluster, options: { lingerMs: 0 } });
    await producer.start();
    await producer.send(topic, partition, { key: null, value: Buffer.from(value) });
    await producer.stop();
  }

  const owned = (reader: Reader): string => reader.consumer.assignment().map(partitionName).sort().join();

  it.each(['the leader', 'another'])('that comes back with other topics reads these when it is %s', async (who) => {
    const [before, now, others] = await Promise.all([1, 2, 1].map((count) => createTopic(address, count)));
    if (who === 'another') await start('other', [others!]);
    await (await start('one', [before!])).stop(); // it is expected back
    const successor = await start('one', [now!]);
    const all = [0, 1].map((partition) => partitionName({ topic: now!, partition })).join();
    await until(() => owned(successor) === all, { what: 'the new topic', timeoutMs: 20_000 });
    expect(successor.log.filter((line) => line.startsWith('assigned'))).toEqual(['assigned 2 kept 0']);
  });

  it('that comes back with one topic more reads it', async () => {
    const [first, second] = await Promise.all([createTopic(address, 1), createTopic(address, 1)]);
    await (await start('one', [first])).stop();
    const successor = await start('one', [first, second]);
    const all = [first, second].map((topic) => partitionName({ topic, partition: 0 })).sort();
    await until(() => owned(successor) === all.join(), { what: 'both topics', timeoutMs: 20_000 });
    expect(successor.log.filter((line) => line.startsWith('assigned'))).toEqual(['assigned 2 kept 0']);
  });

  it('is not disturbed when it comes back with the same', async () => {
    const topic = await createTopic(address, 1);
    await (await start('one', [topic])).stop();
    const successor = await start('one', [topic]);
    const joined = successor.events.flatMap((event) => (event.type === 'joined' ? event.generationId : []));
    expect(joined).toEqual([1]);
  });

  it('that led and comes back reads the partitions that were added meanwhile, from their beginning', async () => {
    const topic = await createTopic(address, 1);
    await (await start('one', [topic], LATEST)).stop();
    await growTopic(address, topic, 2);
    await send(topic, 1, 'while nobody was there');
    const successor = await start('one', [topic], LATEST);
    await until(() => successor.values().includes('while nobody was there'), { what: 'the record', timeoutMs: 20_000 });
    expect(successor.consumer.assignment()).toHaveLength(2);
  });

  it('that waited for a topic and died reads it from its beginning when it comes back', async () => {
    const topic = `late-${process.pid}-${process.hrtime.bigint()}`;
    const createCluster = () => new KafkajsCluster({ bootstrapServers: [address], allowAutoCreateTopics: false });
    const first = await start('one', [topic], { ...LATEST, createCluster });
    expect(first.consumer.assignment()).toEqual([]);
    await first.stop();
    await createTopicNamed(address, topic, 1);
    await send(topic, 0, 'while nobody was there');
    const successor = await start('one', [topic], LATEST);
    await until(() => successor.values().includes('while nobody was there'), { what: 'the record', timeoutMs: 20_000 });
  });
});
