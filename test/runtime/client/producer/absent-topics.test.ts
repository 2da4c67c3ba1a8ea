import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Broker } from '../../../../src/broker/broker.js';
import { ErrorCode } from '../../../../src/protocol/error-codes.js';
import { Metadata } from '../../../../src/protocol/messages/03-metadata.js';
import { DescribeConfigs } from '../../../../src/protocol/messages/32-describe-configs.js';
import { KafkajsCluster } from '../../../../src/runtime/client/cluster/kafkajs-cluster.js';
import { KafkaProducer } from '../../../../src/runtime/client/producer/kafka-producer.js';
import { type ProducerOptions } from '../../../../src/runtime/client/producer/producer-options.js';
import { createTopicNamed } from '../../../support/client-broker.js';
import { outcome, ProducerWorld, text } from './producer-world.js';

// Sends to a topic that there is not, on a cluster that makes none: refused at once, unless it may still come.

const ABSENT = 'there is no topic ordrs; did you mean orders? The cluster makes none by itself';

describe('a topic that is not there', () => {
  let world: ProducerWorld;

  beforeEach(() => {
    world = new ProducerWorld();
  });

  afterEach(() => world.stop());

  /** What the brokers say of auto.create.topics.enable. */
  const brokersSay = (value: string | null, errorCode: number = ErrorCode.NONE) => {
    const { broker } = world;
    broker.serving.set(DescribeConfigs.key, { api: DescribeConfigs, versions: [1, 4] });
    broker.on(DescribeConfigs, ({ request }) => ({
      throttleTimeMs: 0,
      results: request.resources.map(({ resourceType, resourceName, configurationKeys }) => ({
        errorCode,
        errorMessage: null,
        resourceType,
        resourceName,
        configs:
          errorCode === ErrorCode.NONE
            ? configurationKeys!.map((name) => ({
                name,
                value,
                readOnly: true,
                isSensitive: false,
                synonyms: [],
                configType: 1,
                documentation: null,
              }))
            : [],
      })),
    }));
  };

  const start = (options: ProducerOptions = {}, isExpected?: (topic: string) => boolean) =>
    world.start({ retryBackoffMs: 100, ...options }, isExpected);

  it('is refused after one more look, with the nearest name, and the cluster is asked once', async () => {
    brokersSay('false');
    const producer = await start();
    const lost = [1, 2].map((n) => outcome(producer.send('ordrs', undefined, text(`${n}`))));
    await world.clock.advance(200);
    for (const error of await Promise.all(lost)) {
      expect(error).toMatchObject({ code: 'KAFKA_DELIVERY_FAILED', message: expect.stringContaining(ABSENT) });
    }
    const other = outcome(producer.partitionsFor('zzzzzzzzzzzz'));
    await world.clock.advance(200);
    expect(await other).toMatchObject({
      message: expect.stringMatching(
        /^there is no topic zzzzzzzzzzzz, and the cluster makes none by itself .* NewTopic/,
      ),
    });
    expect(world.broker.callsOf(DescribeConfigs)).toHaveLength(1);
    expect(world.logger.lines).toEqual([]);
  });

  it('is found when it was made while the first look was under way', async () => {
    brokersSay('false');
    const producer = await start();
    const sent = producer.send('late', 0, text('a'));
    await world.clock.advance(50);
    world.broker.createTopic('late', 1);
    await world.clock.advance(200);
    expect(await sent).toMatchObject({ topic: 'late', offset: 0 });
    expect(world.broker.callsOf(DescribeConfigs)).toHaveLength(0);
  });

  it('is sent to when it is made after a refusal', async () => {
    brokersSay('false');
    const producer = await start();
    const lost = outcome(producer.send('late', 0, text('a')));
    await world.clock.advance(200);
    expect(await lost).toMatchObject({ code: 'KAFKA_DELIVERY_FAILED' });
    world.broker.createTopic('late', 1);
    expect(await producer.send('late', 0, text('b'))).toMatchObject({ offset: 0 });
  });

  it('is waited for while it has no leaders yet', async () => {
    brokersSay('false');
    const producer = await start();
    const { broker } = world;
    broker.on(Metadata, ({ request }) => {
      const answer = broker.metadataAnswer(request);
      const topics = answer.topics!.map((topic) => ({ ...topic, errorCode: ErrorCode.LEADER_NOT_AVAILABLE }));
      return { ...answer, topics };
    });
    const sent = producer.send('late', 0, text('a'));
    await world.clock.advance(5_000);
    broker.createTopic('late', 1);
    broker.on(Metadata, () => undefined);
    await world.clock.advance(2_000);
    expect(await sent).toMatchObject({ offset: 0 });
  });

  it('is waited for while the application is about to make it', async () => {
    brokersSay('false');
    const producer = await start({}, (topic) => topic === 'declared');
    const sent = producer.send('declared', 0, text('a'));
    await world.clock.advance(10_000);
    world.broker.createTopic('declared', 1);
    await world.clock.advance(2_000);
    expect(await sent).toMatchObject({ offset: 0 });
  });

  it.each([
    ['the cluster makes topics', 'true', ErrorCode.NONE],
    ['the cluster does not say', null, ErrorCode.NONE],
    ['this client may not ask', 'false', ErrorCode.CLUSTER_AUTHORIZATION_FAILED],
  ])('is waited for where %s', async (_, value, errorCode) => {
    brokersSay(value, errorCode);
    const producer = await start({ maxBlockMs: 3000 });
    const lost = outcome(producer.send('ordrs', undefined, text('a')));
    await world.clock.advance(2000);
    const meant = 'there is no topic ordrs; did you mean orders?';
    expect(world.logger.lines).toEqual([`warn producer: ${meant} Sends wait for it, up to 3000 ms (max.block.ms)`]);
    await world.clock.advance(2000);
    expect(await lost).toMatchObject({ message: expect.stringMatching(/3000 ms \(max\.block\.ms\)/) });
  });

  it('stops its topic under onDeliveryFailure stop, as a record lost in waiting does', async () => {
    brokersSay('false');
    const producer = await start({ onDeliveryFailure: 'stop' });
    const lost = outcome(producer.send('ordrs', undefined, text('a')));
    await world.clock.advance(200);
    await lost;
    expect(producer.stopped()).toMatchObject([{ topic: 'ordrs', partition: undefined }]);
  });
});

describe('a topic that a real broker does not make', () => {
  it('is refused long before max.block.ms, and sent to once it is there', async () => {
    const broker = await Broker.start({ port: 0, config: { 'auto.create.topics.enable': 'false' } });
    const cluster = new KafkajsCluster({ bootstrapServers: [broker.bootstrapServers] });
    const producer = new KafkaProducer({ cluster, options: { maxBlockMs: 3_600_000 } });
    try {
      await createTopicNamed(broker.bootstrapServers, 'orders', 1);
      await producer.start();
      await expect(producer.send('ordrs', undefined, text('a'))).rejects.toThrow(ABSENT);
      await createTopicNamed(broker.bootstrapServers, 'ordrs', 1);
      expect(await producer.send('ordrs', undefined, text('b'))).toMatchObject({ topic: 'ordrs', offset: 0 });
    } finally {
      await producer.stop();
      await broker.stop();
    }
  });
});
