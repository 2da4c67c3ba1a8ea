// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of properties, not of templates
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, type Type } from '@nestjs/common';
import {
  ContainerRegistry,
  DltHandler,
  KafkaAdmin,
  KafkaListener,
  type KafkaRecord,
  KafkaTemplate,
  Payload,
  Record as RawRecord,
  RetryableTopic,
  type RetryableTopicOptions,
} from '../../../../src/index.js';
import { attemptOf, dueAtOf } from '../../../../src/runtime/retry/retry-headers.js';
import { EmbeddedKafka, until } from '../../../../src/testing/index.js';
import { type BrokerApp, records, startOnBroker } from '../../../support/broker-app.js';

// What each attribute of @RetryableTopic does, seen from outside: deliveries, topics, containers.

let kafka: EmbeddedKafka;
const apps: BrokerApp[] = [];

beforeEach(async () => {
  kafka = await EmbeddedKafka.start();
});
afterEach(async () => {
  for (const { app } of apps.splice(0)) await app.close();
  await kafka.stop();
});

class Away extends Error {
  override readonly name = 'Away';
}

interface Delivery {
  readonly kind: string;
  readonly topic: string;
  readonly partition: number;
  readonly at: number;
  readonly record: KafkaRecord;
}

/** A listener of `orders` that fails with what each record says; what it and its dead-letter handler got. */
function failing(options: RetryableTopicOptions) {
  const deliveries: Delivery[] = [];
  const letters: Delivery[] = [];
  const noted = ({ kind }: { kind: string }, record: KafkaRecord): Delivery => {
    const { topic, partition } = record;
    return { kind, topic, partition, at: Date.now(), record };
  };
  @Injectable()
  class Orders {
    @RetryableTopic(options)
    @KafkaListener({ id: 'orders', topics: 'orders' })
    handle(@Payload() order: { kind: string }, @RawRecord() record: KafkaRecord) {
      deliveries.push(noted(order, record));
      if (order.kind === 'range') throw new RangeError('x');
      if (order.kind === 'caused') throw new Error('outer', { cause: new Away('x') });
      throw new Away('x');
    }

    @DltHandler()
    refused(@Payload() order: { kind: string }, @RawRecord() record: KafkaRecord) {
      letters.push(noted(order, record));
    }
  }
  const triesOf = (kind: string) => deliveries.filter((one) => one.kind === kind).length;
  return { Orders, deliveries, letters, triesOf };
}

async function start(listener: Type, properties: Record<string, string> = {}, more: object[] = []): Promise<BrokerApp> {
  const providers = [listener, ...(more as Type[])];
  const started = await startOnBroker(kafka, { providers }, properties);
  apps.push(started);
  return started;
}

const send = (...kinds: string[]) => kafka.produce('orders', 0, records(kinds.map((kind) => ({ kind }))));
const partitionsOf = async (app: BrokerApp['app'], topic: string) =>
  (await app.get(KafkaAdmin).describeTopics(topic)).get(topic)?.partitions.length;

describe('errors: include, exclude, traversingCauses, fatal', () => {
  it.each<[string, RetryableTopicOptions, Record<string, number>]>([
    ['include', { include: [RangeError] }, { range: 3, away: 1, caused: 1 }],
    ['include, with causes', { include: ['Away'], traversingCauses: 'true' }, { range: 1, away: 3, caused: 3 }],
    ['exclude', { exclude: [Away] }, { range: 3, away: 1, caused: 3 }],
    ['exclude, with causes', { exclude: [Away], traversingCauses: true }, { range: 3, away: 1, caused: 1 }],
    ['fatal', { fatal: ['RangeError'] }, { range: 1, away: 3, caused: 3 }],
  ])('%s', async (_name, options, tries) => {
    const { Orders, letters, triesOf } = failing({ backOff: { delay: 1 }, ...options });
    await start(Orders);
    await send('range', 'away', 'caused');
    await until(() => letters.length === 3, { what: 'the dead letters' });
    expect({ range: triesOf('range'), away: triesOf('away'), caused: triesOf('caused') }).toEqual(tries);
  });
});

describe('delays: backOff, timeout', () => {
  it('grow by the multiplier up to maxDelay; equal ones share a topic', async () => {
    const { Orders, deliveries, letters } = failing({
      attempts: '${tries}',
      backOff: { delay: '10ms', multiplier: '3', maxDelay: '50ms' },
    });
    await start(Orders, { tries: '5' });
    await send('away');
    await until(() => letters.length === 1, { what: 'the dead letter' });
    const topics = ['orders', 'orders-retry-10', 'orders-retry-30', 'orders-retry-50', 'orders-retry-50'];
    expect(deliveries.map(({ topic }) => topic)).toEqual(topics);
    const delays = [10, 30, 50, 50];
    deliveries.slice(1).forEach(({ at, record }, index) => {
      expect(at).toBeGreaterThanOrEqual(dueAtOf(record)!);
      expect(dueAtOf(record)! - deliveries[index]!.at).toBeGreaterThanOrEqual(delays[index]!);
    });
  });

  it('vary by the jitter from record to record, their topic does not', async () => {
    const { Orders, deliveries, letters } = failing({ attempts: 2, backOff: { delay: 90, jitter: '80ms' } });
    await start(Orders);
    await send(...Array.from({ length: 40 }, () => 'away'));
    await until(() => letters.length === 40, { what: 'the dead letters' });
    const first = new Map(
      deliveries.flatMap(({ topic, at, record }) => (topic === 'orders' ? [[String(record.key), at]] : [])),
    );
    const waits = deliveries.flatMap(({ topic, record }) =>
      topic === 'orders-retry' ? [dueAtOf(record)! - Number(first.get(String(record.key)))] : [],
    );
    expect(waits).toHaveLength(40);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(10);
    expect(Math.min(...waits)).toBeLessThan(80);
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(40);
  });

  it('end with the timeout, counted from the timestamp of the record', async () => {
    const { Orders, deliveries, letters } = failing({ attempts: 5, backOff: { delay: 1 }, timeout: '1m' });
    await start(Orders);
    const [old, fresh] = records([{ kind: 'away' }, { kind: 'range' }]);
    await kafka.produce('orders', 0, [{ ...old!, timestamp: Date.now() - 61_000 }, fresh!]);
    await until(() => letters.length === 2, { what: 'the dead letters' });
    expect(deliveries.filter(({ kind }) => kind === 'away')).toHaveLength(1);
    expect(deliveries.filter(({ kind }) => kind === 'range')).toHaveLength(5);
  });
});

describe('topics: suffixes, strategies, creation', () => {
  it.each<[RetryableTopicOptions, string[]]>([
    [{ attempts: 3, topicSuffixingStrategy: 'SUFFIX_WITH_INDEX_VALUE' }, ['-retry-0', '-retry-1', '-dlt']],
    [{ attempts: 3 }, ['-retry-1', '-retry-2', '-dlt']],
    [
      {
        attempts: 4,
        backOff: { delay: 1, multiplier: 2, maxDelay: 2 },
        sameIntervalTopicReuseStrategy: 'MULTIPLE_TOPICS',
      },
      ['-retry-1', '-retry-2-0', '-retry-2-1', '-dlt'],
    ],
    [{ attempts: 2, retryTopicSuffix: '.${again}', dltTopicSuffix: '.dead' }, ['.once-more', '.dead']],
  ])('%j', async (options, suffixes) => {
    const { Orders, deliveries, letters } = failing({ backOff: { delay: 1, multiplier: 2 }, ...options });
    const { app } = await start(Orders, { again: 'once-more' });
    await send('away');
    await until(() => letters.length === 1, { what: 'the dead letter' });
    const topics = [...deliveries, ...letters].map(({ topic }) => topic);
    expect(topics).toEqual(['orders', ...suffixes.map((suffix) => `orders${suffix}`)]);
    const ids = app.get(ContainerRegistry).list();
    expect(ids.map(({ id }) => id).sort()).toEqual([...topics].sort());
  });

  it('have as many partitions as the listener’s, or numPartitions, and replicationFactor', async () => {
    await kafka.createTopic('orders', 2);
    const { app } = await start(failing({ attempts: 2 }).Orders);
    for (const topic of ['orders-retry', 'orders-dlt']) expect(await partitionsOf(app, topic)).toBe(2);
    await apps.pop()!.app.close();

    const declared = jest.spyOn(KafkaAdmin.prototype, 'createOrModifyTopics');
    const sized = failing({ attempts: 2, dltTopicSuffix: '-dead', numPartitions: '5', replicationFactor: '1' });
    const { app: second } = await start(sized.Orders);
    expect(await partitionsOf(second, 'orders-dead')).toBe(5);
    const replicas = declared.mock.calls.flat().map(({ name, replicas: count }) => [name, count]);
    declared.mockRestore();
    expect(replicas).toContainEqual(['orders-dead', 1]);
    await apps.pop()!.app.close();
    await expect(start(failing({ replicationFactor: 0 }).Orders)).rejects.toThrow(/replicationFactor/);
  });

  it('are not made without autoCreateTopics: a failed record waits for its topic, and is not lost', async () => {
    await kafka.stop();
    kafka = await EmbeddedKafka.start({ topics: ['orders'], config: { 'auto.create.topics.enable': 'false' } });
    const options = { attempts: 2, backOff: { delay: 1 }, autoCreateTopics: '${made}' };
    const { Orders, deliveries, letters } = failing(options);
    const { app, logger } = await start(Orders, { made: 'false' });
    for (const topic of ['orders-retry', 'orders-dlt']) expect(await partitionsOf(app, topic)).toBeUndefined();
    await send('away');
    const refused = () => logger.lines.some((line) => /offset 0 could not be handed over: .*orders-retry/.test(line));
    await until(refused, { what: 'the refusal' });
    expect((await kafka.committed('orders', 'orders'))[0]).toBeLessThan(1);
    for (const topic of ['orders-retry', 'orders-dlt']) await kafka.createTopic(topic);
    await until(() => letters.length === 1, { what: 'the dead letter', timeoutMs: 20_000 });
    expect(deliveries.map(({ topic }) => topic)).toEqual([
      ...Array(deliveries.length - 1).fill('orders'),
      'orders-retry',
    ]);
  });
});

describe('containers: concurrency, kafkaTemplate, listener, autoStartDltHandler', () => {
  it('have the concurrency that is given, or that of the listener', async () => {
    await kafka.createTopic('orders', 3);
    const { app } = await start(failing({ attempts: 2, concurrency: '${consumers}' }).Orders, { consumers: '2' });
    const registry = app.get(ContainerRegistry);
    const consumers = (id: string) => registry.get(id).describe().consumers.length;
    expect(['orders', 'orders-retry', 'orders-dlt'].map(consumers)).toEqual([1, 2, 2]);
  });

  it('send on with the template that is named', async () => {
    const sent: string[] = [];
    @Injectable()
    class Recording {
      constructor(private readonly template: KafkaTemplate) {}
      sendBytes(...given: Parameters<KafkaTemplate['sendBytes']>) {
        sent.push(given[0]);
        return this.template.sendBytes(...given);
      }
      partitionsFor(topic: string) {
        return this.template.partitionsFor(topic);
      }
    }
    const { Orders, letters } = failing({ attempts: 2, backOff: { delay: 1 }, kafkaTemplate: Recording });
    await start(Orders, {}, [Recording]);
    await send('away');
    await until(() => letters.length === 1, { what: 'the dead letter' });
    expect(sent).toEqual(['orders-retry', 'orders-dlt']);
  });

  it('differ from the listener as `listener` says, with placeholders', async () => {
    const listener = {
      workers: '${own.workers}',
      order: 'key',
      ackMode: '${own.acks}',
      properties: { 'group.instance.id': 'stays', 'auto.offset.reset': 'latest' },
    };
    const { Orders } = failing({ attempts: 2, backOff: { delay: 1 }, listener });
    const { app } = await start(Orders, { 'own.workers': '4', 'own.acks': 'record' });
    const registry = app.get(ContainerRegistry);
    for (const id of ['orders-retry', 'orders-dlt']) {
      expect(registry.get(id).endpoint).toMatchObject({ workers: 4, order: 'key', ackMode: 'RECORD' });
    }
    expect(registry.get('orders').endpoint).toMatchObject({ workers: undefined, ackMode: 'BATCH' });
    const membersOf = async (group: string) =>
      (await app.get(KafkaAdmin).describeGroups(group)).get(group)!.members.map(({ memberId }) => memberId);
    // Brokers make ids of members out of the ids of instances.
    expect(await membersOf('orders-retry')).toEqual([expect.stringMatching(/^stays-/)]);
    expect(await membersOf('orders')).toEqual([expect.not.stringMatching(/^stays-/)]);
  });

  it('refuse what they cannot be', async () => {
    const listener = { workers: 'many', order: 'topic', ackMode: 'NEVER', properties: { 'max.pol.records': 5 } };
    const refused = await start(failing({ listener }).Orders).catch((error: Error) => error.message);
    for (const part of ['workers', 'order', 'ackMode', 'did you mean max.poll.records'])
      expect(refused).toContain(part);
    const unordered = start(failing({ listener: { order: 'key' } }).Orders);
    await expect(unordered).rejects.toThrow(/only a pool of workers has an order/);
    const misfits = { order: 'key', blockingRetries: { on: [Away] }, partitionResolver: () => 0 };
    await expect(start(failing(misfits).Orders)).rejects.toThrow(/blockingRetries.*goes not with.*partitionResolver/s);
  });

  it('take the partition that the resolver names', async () => {
    await kafka.createTopic('orders', 3);
    const { Orders, deliveries, letters } = failing({
      attempts: 2,
      backOff: { delay: 1 },
      partitionResolver: (record, topic) => (topic.endsWith('-retry') ? record.partition + 1 : 0),
    });
    await start(Orders);
    await kafka.produce('orders', 1, records([{ kind: 'away' }]));
    await until(() => letters.length === 1, { what: 'the dead letter' });
    expect([...deliveries, ...letters].map(({ partition }) => partition)).toEqual([1, 2, 0]);
    expect(letters.map(({ record }) => attemptOf(record))).toEqual([3]);
  });
});
