import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, type Type } from '@nestjs/common';
import { type Deferred, deferred } from '../../../../src/common/lifecycle.js';
import {
  ContainerRegistry,
  getKafkaAdminToken,
  type KafkaAdmin,
  KafkaListener,
  KafkaTemplate,
  RetryableTopic,
} from '../../../../src/index.js';
import { startOnBroker } from '../../../support/broker-app.js';
import { startApp } from '../../../support/kafka-app.js';
import { startTestKafka, type TestKafka } from '../../../support/test-kafka.js';

// What listeners say about whole topics, whole batches and commits that come first, over a real broker.

let kafka: TestKafka;
const closers: Array<() => Promise<unknown>> = [];
beforeAll(async () => {
  kafka = await startTestKafka({ one: 1, two: 2, batches: 1, once: 1 });
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(() => kafka.stop());

async function running(listener: Type, properties: Record<string, string> = {}) {
  const all = { 'kafka.consumer.auto-offset-reset': 'earliest', ...properties };
  const { app, logger } = await startOnBroker(kafka, { providers: [listener] }, all);
  closers.push(() => app.close());
  return { app, logger, template: app.get<KafkaTemplate>(KafkaTemplate) };
}

describe("order: 'topic'", () => {
  it('reads a topic of one partition, one record after another', async () => {
    const seen: string[] = [];
    const all = deferred();
    let atOnce = 0;
    @Injectable()
    class Ordered {
      @KafkaListener({ topics: 'one', groupId: 'ordered', order: 'topic', workers: 8 })
      async handle(value: string) {
        if (++atOnce > 1) seen.push('overtaken');
        await new Promise((resolve) => setImmediate(resolve));
        atOnce--;
        seen.push(value);
        if (seen.length === 20) all.resolve();
      }
    }
    const { template } = await running(Ordered);
    const values = Array.from({ length: 20 }, (_, i) => `v${i}`);
    for (const value of values) void template.send('one', value, value);
    await all.promise;
    expect(seen).toEqual(values);
  });

  it('does not read a topic that has more', async () => {
    @Injectable()
    class Ordered {
      @KafkaListener({ topics: 'two', groupId: 'ordered', order: 'topic' })
      handle() {}
    }
    await expect(running(Ordered, { 'kafka.listener.start-failure': 'stop' })).rejects.toThrow(
      "order 'topic' is kept in a topic of one partition alone, but two has partition 1 as well",
    );
  });

  it('stops when the topic grows', async () => {
    const stopped = deferred<unknown>();
    @Injectable()
    class Ordered {
      @KafkaListener({ id: 'grows', topics: 'one', groupId: 'grows', order: 'topic' })
      handle() {}
    }
    const { app } = await running(Ordered, { 'kafka.properties.metadata.max.age.ms': '100' });
    app
      .get(ContainerRegistry)
      .get('grows')
      .onEvent((event) => event.type === 'stopped' && stopped.resolve(event.cause));
    await app.get<KafkaAdmin>(getKafkaAdminToken()).createOrModifyTopics({ name: 'one', partitions: 3 });
    expect(await stopped.promise).toMatchObject({ code: 'KAFKA_CONFIG_INVALID' });
  });

  it('goes neither with several consumers nor with retry topics', async () => {
    @Injectable()
    class Ordered {
      @KafkaListener({ topics: 'one', order: 'topic', concurrency: 2 })
      several() {}

      @RetryableTopic()
      @KafkaListener({ topics: 'one', order: 'topic', ackMode: 'AT_MOST_ONCE' })
      retried() {}
    }
    const message = await startApp({ providers: [Ordered] }).then(String, String);
    expect(message).toContain("with order 'topic' one consumer reads");
    expect(message).toContain('later records would overtake one that waits');
    expect(message).toContain('which delivers records again');
  });
});

describe('batch: { min, wait }', () => {
  it('hands over at least so many records, whatever the polls bring', async () => {
    const batches: number[] = [];
    let full: Deferred<void> = deferred();
    @Injectable()
    class Batches {
      @KafkaListener({ topics: 'batches', groupId: 'batches', batch: { min: '${least}', wait: '10m' } })
      handle(values: object[]) {
        batches.push(values.length);
        full.resolve();
      }
    }
    const { template } = await running(Batches, { least: '3' });
    for (const size of [1, 2, 3]) {
      for (let i = 0; i < 3; i++) await template.send('batches', `${size}`, { id: i });
      await full.promise;
      full = deferred();
      expect(batches).toHaveLength(size);
    }
    expect(batches).toEqual([3, 3, 3]);
  });

  it('names what is wrong', async () => {
    @Injectable()
    class Batches {
      @KafkaListener({ topics: 'batches', batch: { min: 0, wait: 'soon' } })
      handle(_values: string[]) {}
    }
    const message = await startApp({ providers: [Batches] }).then(String, String);
    expect(message).toContain('batch.min');
    expect(message).toContain('batch.wait');
  });
});

describe('ackMode at-most-once', () => {
  it('has committed a record when its handler is called, and does not deliver it again when that fails', async () => {
    const seen: Array<[string, number | undefined]> = [];
    const last = deferred();
    @Injectable()
    class Once {
      @KafkaListener({ id: 'once', topics: 'once', ackMode: 'at-most-once' })
      async handle(value: string) {
        const { committed } = container().describe().consumers[0]!.partitions[0]!;
        seen.push([value, committed]);
        if (value === 'last') last.resolve();
        throw new Error('boom');
      }
    }
    const { app, template, logger } = await running(Once);
    const container = () => app.get(ContainerRegistry).get('once');
    await template.send('once', 'k', 'first');
    await template.send('once', 'k', 'last');
    await last.promise;
    await container().stop();
    expect(seen.map(([value]) => value)).toEqual(['first', 'last']);
    expect(seen[0]![1]).toBeGreaterThanOrEqual(1);
    expect(seen[1]![1]).toBe(2);
    expect(logger.lines.join()).toContain('AT_MOST_ONCE');
  });
});
