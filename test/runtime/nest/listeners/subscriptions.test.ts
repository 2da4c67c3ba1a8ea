// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of properties, not of templates
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Ctx } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import {
  ContainerRegistry,
  Context,
  type FilteredRecord,
  Header,
  KafkaAdmin,
  KafkaHeaders,
  KafkaListener,
  KafkaListenerContext,
  type KafkaListenerOptions,
  KafkaModule,
  KafkaTemplate,
  Payload,
  Record as RawRecord,
} from '../../../../src/index.js';
import { KafkajsCluster } from '../../../../src/runtime/client/cluster/kafkajs-cluster.js';
import { until } from '../../../../src/testing/index.js';
import { type BrokerApp, numbered, records, startOnBroker } from '../../../support/broker-app.js';
import { startTestKafka, type TestKafka } from '../../../support/test-kafka.js';

// What listeners read, over a real broker: by pattern, by partition, by everybody; and what is kept from them.

let kafka: TestKafka;
const apps: BrokerApp[] = [];

beforeEach(async () => {
  kafka = await startTestKafka();
});

afterEach(async () => {
  for (const { app } of apps.splice(0)) await app.close();
  await kafka.stop();
});

/** An application with one listener that notes `topic-partition@offset`. */
async function listen(options: KafkaListenerOptions, properties: Record<string, string> = {}) {
  const seen: string[] = [];
  @Injectable()
  class Listener {
    @KafkaListener(options)
    handle(@RawRecord() { topic, partition, offset }: FilteredRecord) {
      seen.push(`${topic}-${partition}@${offset}`);
    }
  }
  const app = await startOnBroker(kafka, { providers: [Listener] }, properties);
  apps.push(app);
  const registry = app.app.get(ContainerRegistry);
  return { seen, logger: app.logger, container: registry.list()[0]!, registry };
}

const count = (seen: readonly string[], expected: number) =>
  until(() => seen.length >= expected, { what: `${expected} records, seen ${seen.join(' ')}` });

describe('a topic pattern', () => {
  it('finds matching topics, later ones too, and no others', async () => {
    await kafka.createTopic('order-eu', 2);
    await kafka.createTopic('reorder-eu');
    const { seen, container } = await listen(
      { topicPattern: '${prefix}-.*', groupId: 'billing' },
      { prefix: 'order', 'kafka.consumer.properties.metadata.max.age.ms': '50' },
    );
    await kafka.produce('reorder-eu', 0, numbered(1));
    await kafka.produce('order-eu', 1, numbered(1));
    await count(seen, 1);
    await kafka.createTopic('order-us');
    await kafka.produce('order-us', 0, numbered(2));
    await count(seen, 3);
    expect(seen).toEqual(['order-eu-1@0', 'order-us-0@0', 'order-us-0@1']);
    await kafka.untilConsumed('billing', 'order-us');
    expect(container.assignment()).toHaveLength(3);
  });

  it('never takes internal topics, unless that is said', async () => {
    // A first group makes __consumer_offsets exist.
    await kafka.createTopic('a');
    const first = await listen({ topics: 'a', id: 'first' });
    await kafka.produce('a', 0, numbered(1));
    await kafka.untilConsumed('first', 'a');
    expect(first.seen).toEqual(['a-0@0']);
    const all = await listen({ topicPattern: /.*/, groupId: 'all' });
    expect(all.container.assignment()).toEqual([{ topic: 'a', partition: 0 }]);
    const internal = await listen({
      topicPattern: /__.*/,
      groupId: 'internal',
      properties: { 'exclude.internal.topics': false },
    });
    await until(() => internal.container.assignment().length > 0, { what: 'internal topics' });
    expect(internal.container.assignment().every(({ topic }) => topic.startsWith('__'))).toBe(true);
  });

  it('waits for a first match', async () => {
    const { seen, logger } = await listen(
      { topicPattern: 'later.*', groupId: 'g' },
      { 'kafka.consumer.properties.metadata.max.age.ms': '50' },
    );
    expect(logger.lines.join('\n')).toContain("no topic matches the pattern later.* of group 'g': waiting for one");
    await kafka.createTopic('later-1');
    await kafka.produce('later-1', 0, numbered(1));
    await count(seen, 1);
  });
});

describe('partitions of its own', () => {
  beforeEach(() => kafka.createTopic('orders', 4));

  it('are read without membership, and committed for the group', async () => {
    for (let partition = 0; partition < 4; partition++) await kafka.produce('orders', partition, numbered(2));
    const { seen } = await listen({ topicPartitions: ['orders-${p}', 'orders-3'], groupId: 'audit' }, { p: '1' });
    await count(seen, 4);
    expect([...seen].sort()).toEqual(['orders-1@0', 'orders-1@1', 'orders-3@0', 'orders-3@1']);
    await until(async () => (await kafka.committed('audit', 'orders')).join() === '-1,2,-1,2', { what: 'commits' });
    await apps.splice(0)[0]!.app.close();
    // The next start goes on there.
    await kafka.produce('orders', 1, numbered(1));
    const next = await listen({ topicPartitions: ['orders-1'], groupId: 'audit' });
    await count(next.seen, 1);
    expect(next.seen).toEqual(['orders-1@2']);
  });

  it('begin at their initial offsets, at every start', async () => {
    for (let partition = 0; partition < 4; partition++) await kafka.produce('orders', partition, numbered(5));
    const options: KafkaListenerOptions = {
      topicPartitions: [
        { topic: 'orders', partitions: '0-2', initialOffset: '${from}', partitionOffsets: { '1': -1, 2: 'end' } },
        { topic: 'orders', partitions: [3], initialOffset: { timestamp: Date.now() + 60_000 } },
      ],
      groupId: 'replay',
    };
    for (let start = 0; start < 2; start++) {
      const { seen } = await listen(options, { from: '3' });
      await count(seen, 3);
      await kafka.produce('orders', 2, numbered(1));
      await count(seen, 4);
      expect([...seen].sort()).toEqual(['orders-0@3', 'orders-0@4', 'orders-1@4', `orders-2@${5 + start}`]);
      await apps.splice(0)[0]!.app.close();
    }
    const back = await listen({
      topicPartitions: [{ topic: 'orders', partitions: 0, initialOffset: { relative: -2 } }],
      groupId: 'replay',
    });
    await count(back.seen, 2);
    expect(back.seen).toEqual(['orders-0@3', 'orders-0@4']);
  });

  it('are shared by the consumers of one listener, and none idles', async () => {
    const { container, logger } = await listen({
      topicPartitions: ['orders-0,orders-1'],
      groupId: 'g',
      concurrency: 4,
    });
    expect(container.consumers.map((consumer) => consumer.assignment())).toEqual([
      [{ topic: 'orders', partition: 0 }],
      [{ topic: 'orders', partition: 1 }],
    ]);
    expect(logger.lines.join('\n')).toContain('concurrency is 2 instead of 4');
  });

  it('take up partitions and topics that appear later, from their beginning', async () => {
    const { seen, logger } = await listen(
      { topicPartitions: [{ topic: 'orders' }, { topic: 'refunds', partitions: '0' }], groupId: 'g' },
      {
        'kafka.consumer.properties.metadata.max.age.ms': '50',
        'kafka.consumer.properties.allow.auto.create.topics': 'false',
        'kafka.consumer.properties.auto.offset.reset': 'latest',
      },
    );
    expect(logger.lines.join('\n')).toContain('there is no refunds-0: waiting for it');
    await kafka.createTopic('refunds');
    await kafka.produce('refunds', 0, numbered(1));
    await kafka.produce('orders', 2, numbered(1));
    await count(seen, 2);
    expect([...seen].sort()).toEqual(['orders-2@0', 'refunds-0@0']);
  });

  it('commit nothing without a group', async () => {
    await kafka.produce('orders', 0, numbered(1));
    const options: KafkaListenerOptions = { topicPartitions: ['orders-0'], workers: 2, order: 'key' };
    const { seen, container, logger } = await listen(options, { 'kafka.consumer.group-id': '' });
    await count(seen, 1);
    await container.commit();
    expect(container.endpoint.groupId).toBe('');
    expect(container.consumers[0]!.committed({ topic: 'orders', partition: 0 })).toBeUndefined();
    expect(logger.lines.join('\n')).toContain('no group is known, so nothing is committed');
  });

  it('are refused under a group that another listener is a member of', async () => {
    @Injectable()
    class Both {
      @KafkaListener({ topics: 'orders', groupId: 'billing' })
      member(_order: unknown) {}
      @KafkaListener({ topicPartitions: ['orders-0'], groupId: 'billing' })
      reader(_order: unknown) {}
    }
    await expect(startOnBroker(kafka, { providers: [Both] })).rejects.toThrow(
      'Both.reader reads its partitions by itself (topicPartitions) under the group billing, of which Both.member is a member',
    );
  });

  it('say what is wrong when another process is a member of the group', async () => {
    await listen({ topics: 'orders', groupId: 'shared' });
    const { seen, logger } = await listen({ topicPartitions: ['orders-0'], groupId: 'shared' });
    await kafka.produce('orders', 0, numbered(1));
    await count(seen, 1);
    await until(() => logger.lines.join('\n').includes('the group has members'), { what: 'the refused commit' });
    expect(logger.lines.join('\n')).toContain('give this listener a group of its own');
  });
});

describe('a broadcast listener', () => {
  it('gets every record in every process, and leaves no group behind', async () => {
    await kafka.createTopic('prices', 3);
    const options: KafkaListenerOptions = { topics: 'prices', broadcast: true, id: 'cache' };
    const processes = await Promise.all([listen(options), listen(options), listen({ ...options, concurrency: 2 })]);
    for (let partition = 0; partition < 3; partition++) await kafka.produce('prices', partition, numbered(2));
    for (const { seen } of processes) {
      await count(seen, 6);
      expect(new Set(seen).size).toBe(6);
    }
    expect(processes[2]!.container.consumers.map((consumer) => consumer.assignment().length)).toEqual([2, 1]);
    const groups = await apps[0]!.app.get(KafkaAdmin).describeGroups('cache', 'test');
    expect([...groups.values()].map(({ state }) => state)).toEqual(['Dead', 'Dead']);
    for (const { app } of apps.splice(0)) await app.close();
    expect(await kafka.committed('cache', 'prices')).toEqual([-1, -1, -1]);
    expect(await kafka.committed('test', 'prices')).toEqual([-1, -1, -1]);
  });
});

describe('options of a listener', () => {
  it('name group, clients and purpose', async () => {
    await kafka.createTopic('orders');
    const seen: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ id: 'one', idIsGroup: false, topics: 'orders', info: 'pays ${who}', clientIdPrefix: 'payer' })
      one(
        @Header(KafkaHeaders.LISTENER_INFO) info: string,
        @Header(KafkaHeaders.RECEIVED_TOPIC) topic: string,
        @Header(KafkaHeaders.OFFSET) offset: number,
        @Header(KafkaHeaders.GROUP_ID) group: string,
        @Header(KafkaHeaders.DELIVERY_ATTEMPT) attempt: number,
        @Header(KafkaHeaders.RECEIVED_KEY) key: string,
        @Ctx() context: KafkaListenerContext,
        @Context() same: KafkaListenerContext,
      ) {
        seen.push(info, topic, offset, group, attempt, key, context.info, same.listenerId);
        if (attempt === 1) throw new Error('at first');
      }
    }
    const app = await startOnBroker(kafka, { providers: [Listener] }, { who: 'ada' });
    apps.push(app);
    await kafka.produce('orders', 0, numbered(1));
    await kafka.untilConsumed('test', 'orders');
    expect(seen).toEqual(
      [1, 2].flatMap((attempt) => ['pays ada', 'orders', 0, 'test', attempt, 'k0', 'pays ada', 'one']),
    );
  });

  it('are filled by the object that the listener belongs to, so that one class listens twice', async () => {
    await Promise.all(['orders', 'refunds', 'returns'].map((topic) => kafka.createTopic(topic)));
    class Tenant {
      readonly seen: string[] = [];

      constructor(
        readonly group: { readonly id: string },
        readonly topics: readonly string[],
      ) {}

      workers(): number {
        return this.topics.length;
      }

      @KafkaListener({
        id: '${__listener.group.id}',
        topics: '${__listener.topics}',
        workers: '${__listener.workers}',
        info: '${__listener.purpose:none} of ${who}',
      })
      handle(@RawRecord() { topic }: FilteredRecord, @Header(KafkaHeaders.LISTENER_INFO) info: string) {
        this.seen.push(`${topic}: ${info}`);
      }
    }
    const one = new Tenant({ id: 'one' }, ['orders']);
    const two = new Tenant({ id: 'two' }, ['refunds', 'returns']);
    const providers = [one, two].map((useValue) => ({ provide: useValue.group.id, useValue }));
    apps.push(await startOnBroker(kafka, { providers }, { who: 'ada' }));
    const registry = apps[0]!.app.get(ContainerRegistry);
    expect(registry.list().map(({ id, workers }) => [id, workers])).toEqual([
      ['one', 1],
      ['two', 2],
    ]);
    for (const topic of ['orders', 'refunds', 'returns']) await kafka.produce(topic, 0, numbered(1));
    await until(() => one.seen.length + two.seen.length === 3, { what: 'a record of each topic' });
    expect([one.seen, two.seen.sort()]).toEqual([
      ['orders: none of ada'],
      ['refunds: none of ada', 'returns: none of ada'],
    ]);
  });

  it('name the clients of their consumers', async () => {
    await kafka.createTopic('orders');
    const ids = new Set<string>();
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders', id: 'named', clientIdPrefix: '${who}', concurrency: 2 })
      one(_value: number) {}
      @KafkaListener({ topics: 'orders', id: 'other' })
      two(_value: number) {}
    }
    const module = await Test.createTestingModule({
      imports: [
        KafkaModule.forRoot({
          cwd: '/nowhere',
          env: {},
          argv: [],
          logger: { log: () => undefined, warn: () => undefined, error: () => undefined },
          properties: { ...kafka.properties(), who: 'payer' },
          factories: {
            cluster: ({ clientId }) => {
              ids.add(clientId);
              return new KafkajsCluster({ bootstrapServers: [kafka.bootstrapServers], clientId });
            },
          },
        }),
      ],
      providers: [Listener],
    }).compile();
    await module.init();
    const described = module
      .get(ContainerRegistry)
      .list()
      .flatMap((one) => one.describe().consumers);
    const ofTemplate = module.get(KafkaTemplate).clientId;
    await module.close();
    expect([...ids].sort()).toEqual(['nestdaw', 'nestdaw-other-0', 'payer-0', 'payer-1']);
    expect(new Set(described.map(({ clientId }) => clientId))).toEqual(
      new Set(['nestdaw-other-0', 'payer-0', 'payer-1']),
    );
    expect(ofTemplate).toBe('nestdaw');
  });

  it('keep records from the handler that a filter does not let through; they count as finished', async () => {
    await kafka.createTopic('orders');
    const seen: number[] = [];
    @Injectable()
    class EvenOnly {
      accepts({ offset }: FilteredRecord) {
        return offset % 2 === 0;
      }
    }
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders', id: 'function', filter: ({ offset }: FilteredRecord) => offset === 3 })
      one(value: number) {
        seen.push(value);
      }
      @KafkaListener({ topics: 'orders', id: 'provider', filter: EvenOnly, ackMode: 'MANUAL' })
      two(value: number) {
        seen.push(100 + value);
      }
    }
    const app = await startOnBroker(kafka, { providers: [Listener, EvenOnly] });
    apps.push(app);
    await kafka.produce('orders', 0, numbered(5));
    await kafka.untilConsumed('function', 'orders');
    await until(() => seen.length === 4, { what: 'four calls' });
    expect([...seen].sort((a, b) => a - b)).toEqual([3, 100, 102, 104]);
    const { counters } = app.app.get(ContainerRegistry).get('function').describe().consumers[0]!;
    expect(counters).toMatchObject({ filtered: 4, finished: 5 });
  });

  it('hand what the method throws to an error handler first', async () => {
    await kafka.createTopic('orders');
    const seen: unknown[] = [];
    @Injectable()
    class Errors {
      async handleError(error: Error, context: KafkaListenerContext) {
        seen.push([error.message, context.offset, context.attempt]);
        if (context.attempt < 3) throw error;
      }
    }
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders', groupId: 'g', errorHandler: Errors })
      handle(@Payload() value: string) {
        throw new Error(`no ${JSON.stringify(value)}`);
      }
    }
    apps.push(await startOnBroker(kafka, { providers: [Listener, Errors] }));
    await kafka.produce('orders', 0, records(['x']));
    await kafka.untilConsumed('g', 'orders');
    expect(seen).toEqual([
      ['no "x"', 0, 1],
      ['no "x"', 0, 2],
      ['no "x"', 0, 3],
    ]);
  });

  const at = '@KafkaListener of Listener.handle: ';
  class NoFilter {}
  it.each<[string, KafkaListenerOptions, string]>([
    ['two sources', { topics: 'a', topicPattern: /b/ }, `${at}topicPattern: goes not with topics`],
    ['no source', {}, `${at}topics: no topic is named`],
    ['a bad pattern', { topicPattern: '(' }, `${at}topicPattern=(: no regular expression`],
    ['an empty pattern', { topicPattern: '' }, `${at}topicPattern=: the pattern is empty`],
    ['no partition', { topicPartitions: [] }, `${at}topicPartitions: no partition is named`],
    ['no number', { topicPartitions: ['orders'] }, `${at}topicPartitions=orders: not a partition's name`],
    [
      'a bad range',
      { topicPartitions: [{ topic: 'a', partitions: '3-1' }] },
      `${at}topicPartitions=3-1: not a partition`,
    ],
    [
      'a repeated partition',
      { topicPartitions: ['a-0', { topic: 'a', partitions: '0,1' }] },
      `${at}topicPartitions=a-0: named more than once`,
    ],
    [
      'a bad offset',
      { topicPartitions: [{ topic: 'a', initialOffset: 'middle' }] },
      `${at}topicPartitions: initial offset: "middle" is no position`,
    ],
    [
      'offsets of unlisted partitions',
      { topicPartitions: [{ topic: 'a', partitionOffsets: { 0: 1 } }] },
      'partitionOffsets go with listed partitions',
    ],
    [
      'a group for everybody',
      { topics: 'a', broadcast: true, groupId: 'g' },
      `${at}groupId=g: a broadcast listener has no group`,
    ],
    ['an absent provider', { topics: 'a', filter: NoFilter as never }, `${at}filter: there is no provider NoFilter`],
    ['a useless provider', { topics: 'a', filter: {} as never }, `${at}filter: Object has no method accepts`],
    ['a useless listener', { topics: 'a', rebalanceListener: {} }, `${at}rebalanceListener: Object has none of these`],
    ['an idle time', { topics: 'a', idleEventInterval: 'soon' }, `${at}idleEventInterval=soon: not allowed`],
  ])('are refused with their name: %s', async (_name, options, message) => {
    await expect(listen(options)).rejects.toThrow(message);
  });
});
