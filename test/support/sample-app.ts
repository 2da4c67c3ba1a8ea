import { fileURLToPath } from 'node:url';
import { type INestApplication, type LoggerService, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { PROPERTY_OVERRIDES } from '../../src/runtime/config/property-overrides.js';
import { EmbeddedKafka } from '../../src/testing/index.js';

// A sample inside the test's own process, from its sources: its module, its application.properties, an HTTP port, and
// a broker in memory, or the cluster that KAFKA_BOOTSTRAP_SERVERS names.

export interface RunningSample {
  readonly app: INestApplication;
  /** `http://127.0.0.1:…`, without a slash at the end. */
  readonly url: string;
  /** What the application has logged: `KafkaConsumer topic1-0@0: hello`. */
  readonly lines: readonly string[];
  /** Undefined on a cluster. */
  readonly kafka: EmbeddedKafka | undefined;
  close(): Promise<void>;
}

/** `properties` stand over those of the sample. */
export async function startSample(
  name: string,
  module: Type,
  properties: Record<string, string> = {},
): Promise<RunningSample> {
  const servers = process.env.KAFKA_BOOTSTRAP_SERVERS;
  const kafka = servers ? undefined : await EmbeddedKafka.start();
  const overrides = { ...properties, 'kafka.bootstrap-servers': servers ?? kafka!.bootstrapServers };
  const lines: string[] = [];
  const before = process.cwd();
  // The module looks for application.properties beside the process.
  process.chdir(fileURLToPath(new URL(`../../samples/${name}`, import.meta.url)));
  try {
    const builder = Test.createTestingModule({ imports: [module] });
    builder.overrideProvider(PROPERTY_OVERRIDES).useValue(overrides);
    builder.setLogger(recording(lines));
    const app = (await builder.compile()).createNestApplication();
    await app.listen(0, '127.0.0.1');
    return {
      app,
      url: await app.getUrl(),
      lines,
      kafka,
      async close() {
        await app.close();
        await kafka?.stop();
      },
    };
  } finally {
    process.chdir(before);
  }
}

function recording(lines: string[]): LoggerService {
  const note = (message: unknown, ...more: unknown[]): void => {
    lines.push([more.at(-1), message].join(' '));
  };
  return { log: note, warn: note, error: note };
}
