import { randomUUID } from 'node:crypto';
import { type INestApplicationContext, Module, type Provider } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { KafkaModule } from 'nestdaw';
import { type Servers } from '../bench-broker.js';
import { type Measured } from '../row.js';
import { type Drain } from './drain.js';

// Our side of the rows about listeners: an application that reads the broker's topics from their beginning, as a new
// group (its listeners name `${bench.group}`).

export function openListeners(
  broker: Servers,
  providers: Provider[],
  properties: Readonly<{ [key: string]: string }> = {},
): Promise<INestApplicationContext> {
  @Module({
    imports: [
      KafkaModule.forRoot({
        properties: {
          'kafka.bootstrap-servers': broker.bootstrapServers,
          'kafka.consumer.auto-offset-reset': 'earliest',
          'bench.group': `bench-${randomUUID()}`,
          ...properties,
        },
      }),
    ],
    providers,
  })
  class BenchModule {}
  return NestFactory.createApplicationContext(BenchModule, { logger: false });
}

/** What `drain` measures of so many records that the application's listener takes. */
export async function drainThrough(
  drain: Drain,
  count: number,
  ...application: Parameters<typeof openListeners>
): Promise<Measured> {
  const done = drain.expect(count);
  const app = await openListeners(...application);
  const measured = await done;
  await app.close();
  return measured;
}
