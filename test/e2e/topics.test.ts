import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplication, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  ContainerRegistry,
  KafkaAdmin,
  KafkaListener,
  KafkaModule,
  KafkaTemplate,
  TopicBuilder,
} from '../../src/index.js';
import { until } from '../../src/testing/until.js';
import { type ClientBroker, startClientBroker } from '../support/client-broker.js';
import { RecordingLogger } from '../support/fake-clients.js';

// Topics that an application declares, on our broker or on Apache Kafka: there before anything listens.

let app: INestApplication | undefined;
let broker: ClientBroker;

beforeEach(async () => {
  broker = await startClientBroker();
});
afterEach(async () => {
  await app?.close();
  app = undefined;
  await broker.stop();
});

describe('topics of an application', () => {
  it('exist before its listeners start, and grow with the next version of it', async () => {
    const topic = `declared-${process.pid}-${process.hrtime.bigint()}`;
    const seen: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: topic, groupId: `g-${topic}`, id: 'it' })
      handle(value: unknown) {
        seen.push(value);
      }
    }
    const start = async (partitions: number) => {
      const options = {
        cwd: '/nowhere',
        env: {},
        argv: [],
        logger: new RecordingLogger(),
        topics: [TopicBuilder.name(topic).partitions(partitions).config('retention.ms', 3_600_000).build()],
        properties: {
          'kafka.bootstrap-servers': broker.address,
          'kafka.consumer.auto-offset-reset': 'earliest',
          'kafka.listener.missing-topics-fatal': 'true',
        },
      };
      const module = await Test.createTestingModule({
        imports: [KafkaModule.forRoot(options)],
        providers: [Listener],
      }).compile();
      app = module.createNestApplication({ logger: false });
      await app.init();
      const container = app.get(ContainerRegistry).get('it');
      await until(() => container.assignment().length === partitions, { timeoutMs: 30_000 });
      return app;
    };
    await (await start(2)).close();
    const running = await start(3);
    const admin = running.get(KafkaAdmin);
    expect((await admin.topicConfigs(topic)).get('retention.ms')?.value).toBe('3600000');
    await running.get(KafkaTemplate).send({ topic, partition: 2, value: { n: 1 } });
    await until(() => seen.length === 1, { timeoutMs: 30_000 });
    expect(seen).toEqual([{ n: 1 }]);
    const committed = () => admin.groupOffsets(`g-${topic}`);
    await until(
      async () =>
        (await committed()).some(({ partition, offset, lag }) => partition === 2 && offset === 1 && lag === 0),
      {
        timeoutMs: 30_000,
      },
    );
  }, 90_000);
});
