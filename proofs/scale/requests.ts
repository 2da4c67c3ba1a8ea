import { type Broker } from '../../src/broker/broker.js';
import { type Api, type RequestInput, type ResponseOf } from '../../src/protocol/api.js';
import { decodeResponsePayload, encodeRequestFrame } from '../../src/protocol/frame.js';
import { CreateTopics, DeleteTopics, Produce } from '../../src/protocol/messages/index.js';
import { encodeRecords } from '../../src/protocol/record-batch.js';

// Requests to a broker in this process, without a socket between.

export const frameOf = <A extends Api>(api: A, version: number, request: RequestInput<A>, clientId = 'scale'): Buffer =>
  Buffer.concat(encodeRequestFrame(api, version, 7, clientId, request)).subarray(4);

export async function ask<A extends Api>(
  broker: Broker,
  api: A,
  version: number,
  request: RequestInput<A>,
  clientId?: string,
): Promise<ResponseOf<A>> {
  const answer = await broker.exchangeFrame(frameOf(api, version, request, clientId));
  if (!answer) throw new Error(`${api.name}: no answer`);
  return decodeResponsePayload(api, version, answer.subarray(4));
}

export async function createTopics(
  broker: Broker,
  names: readonly string[],
  numPartitions: number,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const configs = Object.entries(config).map(([name, value]) => ({ name, value }));
  const topics = names.map((name) => ({ name, numPartitions, replicationFactor: 1, assignments: [], configs }));
  const answer = await ask(broker, CreateTopics, 7, { topics, timeoutMs: 60_000, validateOnly: false });
  refuseErrors('CreateTopics', answer.topics);
}

export async function deleteTopics(broker: Broker, topicNames: readonly string[]): Promise<void> {
  const answer = await ask(broker, DeleteTopics, 5, { topicNames, timeoutMs: 60_000 });
  refuseErrors('DeleteTopics', answer.responses);
}

/** The same batch, so many times into each partition. */
export async function writeBatch(
  broker: Broker,
  topic: string,
  partitions: number,
  batch: Buffer,
  times: number,
): Promise<void> {
  const partitionData = Array.from({ length: partitions }, (_, index) => ({ index, records: batch }));
  const frame = frameOf(Produce, 9, { acks: -1, timeoutMs: 60_000, topicData: [{ name: topic, partitionData }] });
  for (let i = 0; i < times; i++) {
    // A copy: the broker patches what it was given.
    const answer = await broker.exchangeFrame(Buffer.from(frame));
    if (!answer) throw new Error('Produce: no answer');
    const { responses } = decodeResponsePayload(Produce, 9, answer.subarray(4));
    for (const { partitionResponses } of responses) refuseErrors('Produce', partitionResponses);
  }
}

/** Throws at the first error code that is not 0. */
export function refuseErrors(what: string, results: ReadonlyArray<{ readonly errorCode: number }>): void {
  const bad = results.find(({ errorCode }) => errorCode !== 0);
  if (bad) throw new Error(`${what}: error ${bad.errorCode}`);
}

export function batchOf(records: number, valueBytes: number, timestamp: number = Date.now()): Buffer {
  const value = Buffer.alloc(valueBytes, 'v');
  const list = Array.from({ length: records }, () => ({ key: null, value }));
  return encodeRecords(list, { timestamp });
}

/** The value below which this share of the others lies. */
export function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!;
}
