import { type INestApplicationContext } from '@nestjs/common';
import { ContainerRegistry } from '../../src/index.js';
import { type BatchOutcome, type Outcome } from '../../src/runtime/listener/listener-endpoint.js';
import { recordOf } from './fake-clients.js';

// Records straight to the handler of a listener, past its container: what the handler made of them comes back as it
// came, a value at once or a promise.

export type GivenRecord = Parameters<typeof recordOf>[0];

/** @param id of the listener, which takes single records */
export function callHandler(app: INestApplicationContext, id: string, record: GivenRecord): Outcome | Promise<Outcome> {
  const { handler } = app.get(ContainerRegistry).get(id).endpoint;
  if (handler.kind !== 'record') throw new Error(`${id} takes batches`);
  return handler.invoke(recordOf(record), contextOfCall());
}

/** @param id of the listener, which takes batches */
export function callBatchHandler(
  app: INestApplicationContext,
  id: string,
  ...records: GivenRecord[]
): BatchOutcome | Promise<BatchOutcome> {
  const { handler } = app.get(ContainerRegistry).get(id).endpoint;
  if (handler.kind !== 'batch') throw new Error(`${id} takes single records`);
  return handler.invoke(records.map(recordOf), contextOfCall());
}

function contextOfCall() {
  return { signal: new AbortController().signal, acknowledgment: undefined, attempt: 1 };
}
