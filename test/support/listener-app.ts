import { afterEach } from '@jest/globals';
import { type ModuleMetadata, type Type } from '@nestjs/common';
import { ContainerRegistry } from '../../src/index.js';
import { type ListenerEndpoint, type Outcome } from '../../src/runtime/listener/listener-endpoint.js';
import { callBatchHandler, callHandler, type GivenRecord } from './handler-calls.js';
import { type KafkaApp, startApp } from './kafka-app.js';

// An application around one class with listeners, which ends with its test.

let running: ListenerApp | undefined;

afterEach(async () => {
  await running?.app.close();
  running = undefined;
});

export interface ListenerApp extends KafkaApp {
  readonly endpoint: ListenerEndpoint;
  /** One record through the listener's handler. */
  readonly run: (record: GivenRecord) => Outcome | Promise<Outcome>;
  readonly runBatch: (...records: GivenRecord[]) => ReturnType<typeof callBatchHandler>;
}

/** @param id of the listener that `run` and `runBatch` speak to */
export async function listenerOf(
  type: Type,
  id: string,
  { providers = [], controllers }: Pick<ModuleMetadata, 'providers' | 'controllers'> = {},
): Promise<ListenerApp> {
  const app = await startApp({
    providers: [...(controllers ? [] : [type]), ...providers],
    controllers: controllers ?? [],
  });
  running = {
    ...app,
    endpoint: app.app.get(ContainerRegistry).get(id).endpoint,
    run: (record) => callHandler(app.app, id, record),
    runBatch: (...records) => callBatchHandler(app.app, id, ...records),
  };
  return running;
}

/** The error of an outcome that failed. */
export async function failureOf(outcome: Outcome | Promise<Outcome>): Promise<Error & { readonly code?: string }> {
  const got = await outcome;
  if (got.status !== 'failed') throw new Error(`it did not fail: ${got.status}`);
  return got.error as Error;
}
