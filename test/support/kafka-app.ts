import { type INestApplicationContext, type ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { type ConsumerClient } from '../../src/runtime/client/consumer-client.js';
import { KafkaModule, type KafkaModuleOptions } from '../../src/runtime/kafka.module.js';
import { FakeConsumer, FakeProducer, RecordingLogger } from './fake-clients.js';

// A Nest application over fake clients: nothing is read from disk or the environment, nothing is opened.

export interface KafkaApp {
  readonly app: INestApplicationContext;
  readonly producer: FakeProducer;
  readonly logger: RecordingLogger;
  /** The consumer of a listener by the listener's id. */
  readonly consumer: (id: string) => FakeConsumer;
}

export function fakes() {
  const producer = new FakeProducer();
  const consumers = new Map<string, FakeConsumer>();
  const logger = new RecordingLogger();
  const options: KafkaModuleOptions = {
    cwd: '/nowhere',
    env: {},
    argv: [],
    logger,
    properties: { 'kafka.consumer.group-id': 'test' },
    factories: {
      producer: () => producer,
      consumer: ({ endpoint }): ConsumerClient => {
        const consumer = new FakeConsumer(endpoint.topics[0]!);
        consumers.set(endpoint.id, consumer);
        return consumer;
      },
    },
  };
  const consumer = (id: string): FakeConsumer => {
    const found = consumers.get(id);
    if (!found) throw new Error(`no listener ${id}; there are: ${[...consumers.keys()].join(', ')}`);
    return found;
  };
  return { producer, logger, options, consumer };
}

export async function startApp(
  metadata: ModuleMetadata,
  properties: Record<string, string> = {},
  more: Partial<KafkaModuleOptions> = {},
): Promise<KafkaApp> {
  const { options, ...parts } = fakes();
  const merged = { ...options, ...more, properties: { ...options.properties, ...properties } };
  const module = await Test.createTestingModule({
    ...metadata,
    imports: [KafkaModule.forRoot(merged), ...(metadata.imports ?? [])],
  }).compile();
  const app = module.createNestApplication({ logger: false });
  await app.init();
  return { app, ...parts };
}
