import { type Api } from './api.js';
import * as messages from './messages/index.js';

// The tables of messages/ by their number on the wire.

export const apisByKey: ReadonlyMap<number, Api> = new Map(
  (Object.values(messages) as Api[]).map((api) => [api.key, api]),
);

/** First flexible version of a request, which decides its header; Infinity for unknown keys. */
export function flexibleFromOf(apiKey: number): number {
  return apisByKey.get(apiKey)?.flexibleFrom ?? Number.POSITIVE_INFINITY;
}
