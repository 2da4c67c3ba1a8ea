import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplication, Injectable, type ModuleMetadata } from '@nestjs/common';
import { IsPositive } from 'class-validator';
import {
  AggregatingReplyingKafkaTemplate,
  KafkaListener,
  type KafkaModuleOptions,
  KafkaTemplate,
  Key,
  Payload,
  provideAggregatingReplyingKafkaTemplate,
  provideReplyingKafkaTemplate,
  ReplyingKafkaTemplate,
  replyWithError,
  SendTo,
  Serdes,
} from '../../src/index.js';
import { until } from '../../src/testing/until.js';
import { startClientApp } from '../support/client-app.js';
import { type ClientBroker, createTopic, startClientBroker } from '../support/client-broker.js';
import { RecordingLogger } from '../support/fake-clients.js';

// Requests and replies between an application and its listeners, on our broker or on Apache Kafka.

const PATIENT = { timeoutMs: 15_000 };
const running: INestApplication[] = [];
let broker: ClientBroker;

beforeEach(async () => {
  broker = await startClientBroker();
});
afterEach(async () => {
  for (const app of running.splice(0)) await app.close();
  await broker.stop();
});

async function start(metadata: ModuleMetadata, more: Partial<KafkaModuleOptions> = {}): Promise<INestApplication> {
  const app = await startClientApp(broker, metadata, more);
  running.push(app);
  return app;
}

class Sum {
  @IsPositive()
  sum!: number;
}

describe('a replying template', () => {
  it('gets the reply to each of its requests, as a class where one is named', async () => {
    const requests = await createTopic(broker.address, 3);
    const replies = await createTopic(broker.address, 2);
    @Injectable()
    class Calculator {
      @KafkaListener({
        topics: requests,
        groupId: `g-${requests}`,
        workers: 16,
        order: 'none',
        errorHandler: replyWithError,
      })
      @SendTo()
      async add(@Payload() { a, b }: { a: number; b: number }) {
        if (a < 0) throw new RangeError('a is negative');
        await new Promise((resolve) => setImmediate(resolve));
        return { sum: a + b };
      }
    }
    const app = await start({ providers: [Calculator, provideReplyingKafkaTemplate({ replyTopic: replies })] });
    const template = app.get(ReplyingKafkaTemplate);
    const sums = await Promise.all(
      Array.from({ length: 100 }, (_, a) =>
        template.request<{ sum: number }>(requests, { a, b: 1000 }, { ...PATIENT, key: `k${a}` }),
      ),
    );
    expect(sums.map(({ sum }) => sum)).toEqual(Array.from({ length: 100 }, (_, a) => 1000 + a));
    const typed = template.sendAndReceive<Sum>(
      { topic: requests, key: 'k', value: { a: 1, b: 2 } },
      { ...PATIENT, type: Sum },
    );
    expect(await typed.sent).toMatchObject({ topic: requests });
    const reply = await typed;
    expect(reply).toMatchObject({ topic: replies, value: { sum: 3 }, key: Buffer.from('k') });
    expect(reply.value).toBeInstanceOf(Sum);
    await expect(template.request(requests, { a: -1, b: 1 }, PATIENT)).rejects.toMatchObject({
      code: 'KAFKA_REPLY_FAILED',
      remoteName: 'RangeError',
      message: 'the other side failed: RangeError: a is negative',
    });
    await expect(template.request(requests, { a: 0, b: -1 }, { ...PATIENT, type: Sum })).rejects.toMatchObject({
      code: 'KAFKA_VALIDATION_FAILED',
    });
    expect(template.outstanding).toBe(0);
  }, 60_000);

  it('reads a partition of its own, which its requests ask for', async () => {
    const requests = await createTopic(broker.address, 1);
    const replies = await createTopic(broker.address, 3);
    const seen: unknown[] = [];
    @Injectable()
    class Echo {
      @KafkaListener({ topics: requests, groupId: `g-${requests}` })
      @SendTo()
      echo(text: string, @Key() _key: string) {
        return text;
      }
    }
    const provide = (replyPartition: number) =>
      provideReplyingKafkaTemplate({ replyTopic: replies, replyPartition, provide: `own-${replyPartition}` });
    const app = await start({ providers: [Echo, provide(1), provide(2)] });
    for (const partition of [1, 2]) {
      const template = app.get<ReplyingKafkaTemplate>(`own-${partition}`);
      seen.push((await template.sendAndReceive({ topic: requests, value: 'x' }, PATIENT)).partition);
    }
    expect(seen).toEqual([1, 2]);
  }, 60_000);

  it("times out where nobody answers, and what comes later is nobody's", async () => {
    const requests = await createTopic(broker.address, 1);
    const replies = await createTopic(broker.address, 1);
    const logger = new RecordingLogger();
    const app = await start({ providers: [provideReplyingKafkaTemplate({ replyTopic: replies })] }, { logger });
    const template = app.get(ReplyingKafkaTemplate);
    await template.ready();
    await expect(template.request(requests, 'x', { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'KAFKA_REPLY_TIMEOUT',
      message: expect.stringContaining(`request to ${requests}: no reply on ${replies} within 50 ms`),
    });
    const late = { topic: replies, value: 'late', headers: { kafka_correlationId: 'gone' } };
    await app.get(KafkaTemplate).send(late);
    await until(() => logger.lines.some((line) => line.includes(`nobody waits for the reply ${replies}-0@0`)), PATIENT);
  }, 60_000);

  it('waits for a reply topic that is not there yet', async () => {
    const requests = await createTopic(broker.address, 1);
    @Injectable()
    class Echo {
      @KafkaListener({ topics: requests, groupId: `g-${requests}`, valueDeserializer: Serdes.integer })
      @SendTo()
      echo(value: number) {
        return value + 1;
      }
    }
    const provider = provideReplyingKafkaTemplate({ replyTopic: `made-${requests}`, autoStartup: false });
    const app = await start(
      { providers: [Echo, provider] },
      {
        properties: {
          'kafka.producer.value-serializer': 'IntegerSerializer',
          'kafka.consumer.value-deserializer': 'IntegerDeserializer',
        },
      },
    );
    expect(await app.get(ReplyingKafkaTemplate).request(requests, 41, PATIENT)).toBe(42);
  }, 60_000);
});

describe('an aggregating template', () => {
  it('collects the replies of several listeners', async () => {
    const requests = await createTopic(broker.address, 1);
    const replies = await createTopic(broker.address, 1);
    @Injectable()
    class Shops {
      @KafkaListener({ topics: requests, groupId: `a-${requests}` })
      @SendTo()
      one(item: string) {
        return { shop: 'a', item };
      }
      @KafkaListener({ topics: requests, groupId: `b-${requests}` })
      @SendTo()
      other(item: string) {
        return { shop: 'b', item };
      }
    }
    const app = await start({
      providers: [
        Shops,
        provideAggregatingReplyingKafkaTemplate({
          replyTopic: replies,
          releaseStrategy: (all) => all.length === 2,
        }),
      ],
    });
    const template = app.get(AggregatingReplyingKafkaTemplate);
    const both = await template.sendAndReceive<{ shop: string }>({ topic: requests, value: '"tea"' }, PATIENT);
    expect([both.topic, both.replies.map(({ value }) => value.shop).sort()]).toEqual(['aggregatedResults', ['a', 'b']]);
  }, 60_000);
});
