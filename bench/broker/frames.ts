import { setTimeout as delay } from 'node:timers/promises';
import { type Api, type RequestInput, type ResponseOf } from '../../src/protocol/api.js';
import { type CompressionType } from '../../src/protocol/compression.js';
import { decodeResponsePayload, encodeRequestFrame } from '../../src/protocol/frame.js';
import { Fetch, Produce } from '../../src/protocol/messages/index.js';
import { encodeRecords } from '../../src/protocol/record-batch.js';
import { type RawConnection } from './raw-connection.js';

// Ready-made frames: nothing is encoded while the clock runs.

export const frameOf = <A extends Api>(api: A, version: number, request: RequestInput<A>): Buffer =>
  Buffer.concat(encodeRequestFrame(api, version, 1, 'bench', request));

/** One request, one decoded answer. */
export async function ask<A extends Api>(
  connection: RawConnection,
  api: A,
  version: number,
  request: RequestInput<A>,
): Promise<ResponseOf<A>> {
  const answer = await connection.send(frameOf(api, version, request));
  if (!answer) throw new Error(`${api.name}: the answer is too large`);
  return decodeResponsePayload(api, version, answer.subarray(4));
}

export interface BatchShape {
  readonly records: number;
  readonly valueBytes: number;
  readonly compression?: CompressionType;
}

/** Text-like bytes, so that compression finds something to do and not everything. */
function valueBytes(length: number, seed: number): Buffer {
  const value = Buffer.alloc(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    if (i % 4 === 0) state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    value[i] = 97 + ((state >>> ((i % 4) * 8)) & 15);
  }
  return value;
}

export function batchOf({ records, valueBytes: length, compression = 'none' }: BatchShape): Buffer {
  const list = Array.from({ length: records }, (_, i) => ({ key: null, value: valueBytes(length, i) }));
  return encodeRecords(list, { timestamp: Date.now(), compression });
}

const PRODUCE_VERSION = 9;

export function produceFrame(topic: string, partitions: readonly number[], batch: Buffer, acks = -1): Buffer {
  const partitionData = partitions.map((index) => ({ index, records: batch }));
  return frameOf(Produce, PRODUCE_VERSION, { acks, timeoutMs: 30_000, topicData: [{ name: topic, partitionData }] });
}

const NOT_YET = new Set([3, 5, 6]);

/** Sends the frame until all its partitions take it: leaders may be known before they lead. */
export async function untilProduced(connection: RawConnection, frame: Buffer): Promise<void> {
  for (let tries = 0; ; tries++) {
    const answer = await connection.send(frame);
    const { responses } = decodeResponsePayload(Produce, PRODUCE_VERSION, answer!.subarray(4));
    const codes = responses.flatMap(({ partitionResponses }) => partitionResponses.map(({ errorCode }) => errorCode));
    if (tries > 1000 || !codes.some((code) => NOT_YET.has(code))) return checkProduced(answer);
    await delay(10);
  }
}

/** Throws unless every partition was written. */
export function checkProduced(answer: Buffer | undefined): void {
  const { responses } = decodeResponsePayload(Produce, PRODUCE_VERSION, answer!.subarray(4));
  for (const { name, partitionResponses } of responses) {
    const bad = partitionResponses.find(({ errorCode }) => errorCode !== 0);
    if (bad) throw new Error(`${name}-${bad.index}: error ${bad.errorCode} ${bad.errorMessage}`);
  }
}

export function fetchFrame(topic: string, partitions: readonly number[], offset: number, maxBytes: number): Buffer {
  return frameOf(Fetch, 11, {
    maxWaitMs: 500,
    minBytes: 1,
    isolationLevel: 0,
    forgottenTopicsData: [],
    topics: [
      {
        topic,
        partitions: partitions.map((partition) => ({ partition, fetchOffset: offset, partitionMaxBytes: maxBytes })),
      },
    ],
  });
}
