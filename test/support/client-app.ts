import { type INestApplication, type ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { KafkaModule, type KafkaModuleOptions } from '../../src/index.js';
import { type ClientBroker } from './client-broker.js';
import { RecordingLogger } from './fake-clients.js';

/** A Nest application on the broker that client tests run against; reads nothing from disk or the environment. */
export async function startClientApp(
  broker: ClientBroker,
  metadata: ModuleMetadata,
  more: Partial<KafkaModuleOptions> = {},
): Promise<INestApplication> {
  const options: KafkaModuleOptions = {
    cwd: '/nowhere',
    env: {},
    argv: [],
    logger: new RecordingLogger(),
    ...more,
    properties: {
      'kafka.bootstrap-servers': broker.address,
      'kafka.consumer.heartbeat-interval': '100ms',
      'kafka.consumer.auto-offset-reset': 'earliest',
      ...more.properties,
    },
  };
  const module = await Test.createTestingModule({ ...metadata, imports: [KafkaModule.forRoot(options)] }).compile();
  const app = module.createNestApplication({ logger: false });
  await app.init();
  return app;
}
