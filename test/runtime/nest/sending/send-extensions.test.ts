import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Producer } from '../../../../src/decorators/index.js';
import { type PartitionerCluster } from '../../../../src/runtime/client/producer/partitioner.js';
import { type KafkaModuleOptions } from '../../../../src/runtime/kafka.module.js';
import { type TopicSender } from '../../../../src/runtime/nest/sending/topic-sender.js';
import { KafkaTemplate } from '../../../../src/runtime/template/kafka-template.js';
import { type ProducerInterceptor } from '../../../../src/runtime/template/producer-interceptor.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';
import { startOnBroker } from '../../../support/broker-app.js';
import { FakeProducer } from '../../../support/fake-clients.js';
import { startApp } from '../../../support/kafka-app.js';

// What applications put into the way of sends: by name in the configuration, by class or object in the module.

const closers: Array<() => Promise<unknown>> = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function app(
  providers: NonNullable<Parameters<typeof startApp>[0]['providers']>,
  properties: Record<string, string> = {},
  options: Partial<KafkaModuleOptions> = {},
) {
  const started = await startApp({ providers }, properties, options);
  closers.push(() => started.app.close());
  return { ...started, template: started.app.get<KafkaTemplate<string>>(KafkaTemplate) };
}

const messageOf = (starting: Promise<unknown>) =>
  starting.then(
    () => 'started',
    (error: Error) => error.message,
  );

@Injectable()
class Stamp implements ProducerInterceptor<string> {
  configs: Readonly<Record<string, unknown>> = {};
  ends = 0;
  configure(configs: Readonly<Record<string, unknown>>) {
    this.configs = configs;
  }
  onSend(record: Parameters<NonNullable<ProducerInterceptor<string>['onSend']>>[0]) {
    return { ...record, value: `${record.value} stamped` };
  }
  close() {
    this.ends++;
  }
}

@Injectable()
class Count implements ProducerInterceptor {
  stored = 0;
  ends = 0;
  onAcknowledgement() {
    this.stored++;
  }
  close() {
    this.ends++;
  }
}

describe('interceptors, listeners and observers', () => {
  it('are providers named in interceptor.classes, then those of the module, in their order', async () => {
    const order: string[] = [];
    const {
      app: nest,
      producer,
      template,
    } = await app(
      [Stamp, Count],
      { 'kafka.producer.properties.interceptor.classes': 'com.acme.Stamp, Count', 'kafka.producer.acks': '1' },
      {
        producerInterceptors: [{ onSend: (record) => ({ ...record, value: `${record.value as string}!` }) }],
        producerListeners: [{ onSuccess: () => order.push('listener') }],
        sendObservers: [{ begin: () => void order.push('observer') }],
      },
    );
    await template.send('orders', 'x');
    expect(producer.sent[0]!.value!.toString()).toBe('x stamped!');
    expect(nest.get(Count).stored).toBe(1);
    expect(order).toEqual(['observer', 'listener']);
    const stamp = nest.get(Stamp);
    expect(stamp.configs).toMatchObject({ acks: '1', 'linger.ms': 0 });
    await nest.close();
    expect(stamp.ends).toBe(1);
  });

  it('must be there', async () => {
    const named = { 'kafka.producer.properties.interceptor.classes': 'com.acme.Missing' };
    expect(await messageOf(app([], named))).toContain(
      'interceptor.classes=com.acme.Missing: no provider is called Missing: Java classes do not run here; write a class with onSend(record)',
    );
    expect(await messageOf(app([], {}, { producerInterceptors: [Stamp] }))).toContain('there is no provider Stamp');
  });
});

describe('a partitioner of the application', () => {
  const chosen: unknown[] = [];

  @Injectable()
  class ByRegion {
    partition(
      topic: string,
      key: unknown,
      keyBytes: Buffer | null,
      value: unknown,
      _valueBytes: Buffer | null,
      cluster: PartitionerCluster,
    ): number {
      const leader = cluster.leaderFor(topic, 0);
      chosen.push([topic, key, keyBytes?.toString(), value, cluster.partitionsFor(topic).length, typeof leader?.port]);
      return (value as { shard: number }).shard;
    }
  }

  async function onBroker(properties: Record<string, string>) {
    const kafka = await EmbeddedKafka.start({ topics: { orders: 3 } });
    closers.push(() => kafka.stop());
    const started = await startOnBroker(kafka, { providers: [ByRegion] }, properties);
    closers.push(() => started.app.close());
    return started.app.get<KafkaTemplate>(KafkaTemplate);
  }

  it('is named by partitioner.class, sees what was sent and the cluster, and is checked', async () => {
    const template = await onBroker({ 'kafka.producer.properties.partitioner.class': 'com.felix.kafka.ByRegion' });
    expect((await template.send('orders', 7, { shard: 2 })).partition).toBe(2);
    expect((await template.send('orders', 0, 7, { shard: 2 })).partition).toBe(0);
    expect(chosen).toEqual([['orders', 7, '7', { shard: 2 }, 3, 'number']]);
    await expect(template.send('orders', { shard: 3 })).rejects.toThrow(
      'partitioner ByRegion chose 3 for a record of topic orders, which has partitions 0 to 2',
    );
  });

  it('may be the random one', async () => {
    const template = await onBroker({ 'kafka.producer.properties.partitioner.class': 'random' });
    const sent = await Promise.all(Array.from({ length: 60 }, () => template.send('orders', 'same key', 'x')));
    expect(new Set(sent.map(({ partition }) => partition))).toEqual(new Set([0, 1, 2]));
  });

  it.each([
    ['org.apache.kafka.clients.producer.RoundRobinPartitioner', [3, 3, 3]],
    // One turn of little records is for one partition.
    ['UniformStickyPartitioner', [0, 0, 9]],
  ])('may be %s: records share partitions as it says', async (name, shares) => {
    const template = await onBroker({ 'kafka.producer.properties.partitioner.class': name });
    const sent = await Promise.all(Array.from({ length: 9 }, () => template.send('orders', 'x')));
    const counts = [0, 1, 2].map((one) => sent.filter(({ partition }) => partition === one).length);
    expect(counts.sort((a, b) => a - b)).toEqual(shares);
  });

  it('must be there', async () => {
    expect(await messageOf(app([], { 'kafka.producer.properties.partitioner.class': 'com.felix.Other' }))).toMatch(
      /no provider is called Other: .* write a class with partition\(topic.*ours are default, sticky, round-robin, random/,
    );
  });
});

describe('named producers', () => {
  @Injectable()
  class Logs {
    @Producer({ topic: 'logs', producer: 'bulk' })
    readonly sender!: TopicSender<string>;
  }

  it('have settings, buffer and failures of their own', async () => {
    const made: unknown[][] = [];
    const own = new FakeProducer();
    const { app: nest, template } = await app(
      [Logs],
      {
        'kafka.producers.bulk.acks': '1',
        'kafka.producers.bulk.properties.linger.ms': '20ms',
        'kafka.producers.bulk.batch-size': '64KB',
        'kafka.producers.quick.acks': '0',
      },
      {
        factories: {
          producer: (properties) => {
            made.push(
              ['client-id', 'acks', 'properties.linger.ms', 'batch-size'].map((name) =>
                properties.get(`producer.${name}` as 'producer.acks'),
              ),
            );
            return own;
          },
        },
      },
    );
    expect(made).toEqual([
      [undefined, 'all', 0, 16_384],
      ['nestdaw-bulk', '1', 20, 65_536],
      ['nestdaw-quick', '0', 0, 16_384],
    ]);
    await nest.get(Logs).sender.send('x');
    own.failWith = new Error('gone');
    await expect(nest.get(Logs).sender.send('y')).rejects.toThrow('gone');
    expect([template.withProducer('bulk').failedSends, template.failedSends]).toEqual([1, 0]);
    expect(() => template.withProducer('other')).toThrow(
      'there is no producer other of connection default; there are: bulk, quick',
    );
  });

  it('may have interceptors and a partitioner of their own, each of them configured and ended once', async () => {
    const calls: unknown[] = [];
    @Injectable()
    class Spread {
      configure({ acks }: Readonly<Record<string, unknown>>) {
        calls.push(`configure ${String(acks)}`);
      }
      partition() {
        return 0;
      }
      close() {
        calls.push('close');
      }
    }
    const {
      app: nest,
      template,
      producer,
    } = await app([Stamp, Count, Spread], {
      'kafka.producer.properties.interceptor.classes': 'Count',
      'kafka.producers.bulk.acks': '1',
      'kafka.producers.bulk.properties.interceptor.classes': 'com.acme.Stamp, Count',
      'kafka.producers.bulk.properties.partitioner.class': 'com.acme.Spread',
      'kafka.producers.quick.properties.partitioner.class': 'com.acme.Spread',
    });
    await template.send('orders', 'x');
    await template.withProducer<string>('bulk').send('orders', 'y');
    expect(producer.sent.map(({ value }) => String(value))).toEqual(['x', 'y stamped']);
    const [stamp, count] = [nest.get(Stamp), nest.get(Count)];
    expect([stamp.configs.acks, count.stored, calls]).toEqual(['1', 2, ['configure 1']]);
    await nest.close();
    expect([stamp.ends, count.ends, calls]).toEqual([1, 1, ['configure 1', 'close']]);
    const unknown = { 'kafka.producers.bulk.properties.partitioner.class': 'com.acme.Other' };
    expect(await messageOf(app([], unknown))).toContain(
      'kafka.producers.bulk.properties.partitioner.class=com.acme.Other: no provider is called Other',
    );
  });

  it('take keys of a producer only', async () => {
    const message = await messageOf(
      app([], {
        'kafka.producers.bulk.ack': '1',
        'kafka.producers.bulk.acks': 'some',
        'kafka.producers.b.sasl.x': '1',
      }),
    );
    expect(message).toContain('kafka.producers.bulk.ack=1: is no key of a producer; did you mean acks?');
    expect(message).toContain('kafka.producers.bulk.acks=some: not allowed; allowed: all, 1, 0');
  });
});

describe('the profile no-loss', () => {
  it('refuses what contradicts it', async () => {
    const message = await messageOf(
      app([], { 'kafka.producer.profile': 'no-loss', 'kafka.producer.acks': '1', 'kafka.producer.retries': '3' }),
    );
    expect(message).toContain('kafka.producer.acks=1: contradicts kafka.producer.profile=no-loss');
    expect(message).toContain('kafka.producer.retries=3: contradicts');
  });
});
