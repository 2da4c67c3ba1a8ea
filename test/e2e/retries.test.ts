import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplication, Injectable, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  DltHandler,
  Header,
  KafkaListener,
  KafkaModule,
  KafkaTemplate,
  Payload,
  RETRY_TOPIC_HEADERS,
  RetryableTopic,
} from '../../src/index.js';
import { until } from '../../src/testing/until.js';
import { type ClientBroker, startClientBroker } from '../support/client-broker.js';
import { RecordingLogger } from '../support/fake-clients.js';

// Retry topics on our broker or on Apache Kafka.

interface Order {
  readonly id: number;
  readonly bad?: boolean;
}

let app: INestApplication | undefined;
let broker: ClientBroker;
let topic: string;

beforeEach(async () => {
  broker = await startClientBroker();
  topic = `retried-${process.pid}-${process.hrtime.bigint()}`;
});
afterEach(async () => {
  await app?.close();
  app = undefined;
  await broker.stop();
});

async function start(listener: Type): Promise<KafkaTemplate> {
  const properties = {
    'kafka.bootstrap-servers': broker.address,
    'kafka.consumer.auto-offset-reset': 'earliest',
    'test.topic': topic,
  };
  const options = { cwd: '/nowhere', env: {}, argv: [], logger: new RecordingLogger(), properties };
  const module = await Test.createTestingModule({
    imports: [KafkaModule.forRoot(options)],
    providers: [listener],
  }).compile();
  app = module.createNestApplication({ logger: false });
  await app.init();
  return app.get(KafkaTemplate);
}

const PATIENCE = { timeoutMs: 30_000 };

describe('retry topics', () => {
  it('deliver a failing record as often as they say, never early, then make it a dead letter; others pass', async () => {
    const tries: number[] = [];
    const passed: number[] = [];
    const letters: Array<readonly [Order, string]> = [];
    @Injectable()
    class Orders {
      @RetryableTopic({ attempts: 3, backOff: { delay: 150 } })
      @KafkaListener({ topics: '${test.topic}', groupId: '${test.topic}' })
      handle(@Payload() { id, bad }: Order): void {
        if (!bad) return void passed.push(id);
        tries.push(Date.now());
        throw new Error('refused');
      }

      @DltHandler()
      letter(@Payload() order: Order, @Header(RETRY_TOPIC_HEADERS.exceptionMessage) why: string): void {
        letters.push([order, why]);
      }
    }
    const template = await start(Orders);
    await template.send(topic, 'k', { id: 1, bad: true });
    await template.send(topic, 'k', { id: 2 });
    await until(() => letters.length === 1, { what: 'the dead letter', ...PATIENCE });
    expect(letters).toEqual([[{ id: 1, bad: true }, 'refused']]);
    expect(tries).toHaveLength(3);
    expect(tries[1]! - tries[0]!).toBeGreaterThanOrEqual(150);
    expect(tries[2]! - tries[1]!).toBeGreaterThanOrEqual(150);
    await until(() => passed.length === 1, { what: 'the other record', ...PATIENCE });
  }, 90_000);

  it("keep the order of a key where that is asked for (order: 'key')", async () => {
    const handled: string[] = [];
    let failures = 2;
    @Injectable()
    class Orders {
      @RetryableTopic({ attempts: 5, backOff: { delay: 100 }, order: 'key' })
      @KafkaListener({ topics: '${test.topic}', groupId: '${test.topic}' })
      handle(@Payload() { id, bad }: Order): void {
        if (bad && failures-- > 0) throw new Error('not yet');
        handled.push(`${id}`);
      }
    }
    const template = await start(Orders);
    await template.send(topic, 'a', { id: 1, bad: true });
    for (const id of [2, 3]) await template.send(topic, 'a', { id });
    await template.send(topic, 'b', { id: 10 });
    await until(() => handled.length === 4, { what: 'all records', ...PATIENCE });
    expect(handled.filter((id) => id !== '10')).toEqual(['1', '2', '3']);
  }, 90_000);
});
