import { type INestApplication, type ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { type OutgoingRecord, type RecordHeader } from '../../src/common/record.js';
import { KafkaModule } from '../../src/runtime/kafka.module.js';
import { type KafkaForTests } from '../../src/testing/index.js';
import { RecordingLogger } from './fake-clients.js';

// A Nest application over a real broker, and records for it.

export interface BrokerApp {
  readonly app: INestApplication;
  readonly logger: RecordingLogger;
}

export async function startOnBroker(
  kafka: KafkaForTests,
  metadata: ModuleMetadata,
  properties: Record<string, string> = {},
): Promise<BrokerApp> {
  const { app, logger } = await createOnBroker(kafka, metadata, properties);
  try {
    await app.init();
  } catch (error) {
    await app.close();
    throw error;
  }
  return { app, logger };
}

/** The same, not yet initialised. */
export async function createOnBroker(
  kafka: KafkaForTests,
  metadata: ModuleMetadata,
  properties: Record<string, string> = {},
): Promise<BrokerApp> {
  const logger = new RecordingLogger();
  const all = { 'kafka.consumer.group-id': 'test', 'kafka.consumer.heartbeat-interval': '100ms', ...properties };
  const options = { cwd: '/nowhere', env: {}, argv: [], logger, properties: all };
  const imports = [KafkaModule.forRoot(options), ...(metadata.imports ?? [])];
  const builder = kafka.provide(Test.createTestingModule({ ...metadata, imports }));
  const module = await builder.compile();
  return { app: module.createNestApplication({ logger: false }), logger };
}

/** Records with these values: objects as JSON; keys `k0`, `k1` … */
export function records(values: readonly unknown[], headers: readonly RecordHeader[] = []): OutgoingRecord[] {
  return values.map((value, index) => ({
    key: Buffer.from(`k${index}`),
    value: value === null ? null : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    headers,
  }));
}

/** Numbers from 0 as values of records. */
export function numbered(count: number, from = 0): OutgoingRecord[] {
  return records(Array.from({ length: count }, (_, index) => from + index));
}
