import { type Clock, sleep } from '../../../common/clock.js';
import { messageOf, NestdawError } from '../../../common/errors.js';
import { type KafkaRecord } from '../../../common/record.js';
import { brokerError, ErrorCode, isRetriable } from '../../../protocol/error-codes.js';
import { Fetch } from '../../../protocol/messages/01-fetch.js';
import { type Cluster } from '../cluster/cluster.js';
import { FetchedChunk } from './fetching/fetched-chunk.js';

// Single records by offset, read without a group: what a template's `receive` asks for.

export interface LookupOptions {
  /** Its own: connected and closed here. */
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly isolationLevel: 'read_uncommitted' | 'read_committed';
  readonly checkCrcs: boolean;
  readonly timeoutMs: number;
}

export interface LookupPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Version 13 names topics by id, which the port Cluster does not know. */
const FETCH_VERSION = 12;
const PAUSE_MS = 100;
const PARTITION_BYTES = 65_536;

/**
 * The records at these positions, in their order; those that are not there are left out, also those that have not come
 * within the time-out. Rejects with KAFKA_CONNECTION_FAILED or KAFKA_REQUEST_TIMEOUT when the cluster cannot be asked,
 * KAFKA_PROTOCOL_ERROR when it refuses.
 */
export async function lookUpRecords(
  positions: readonly LookupPosition[],
  options: LookupOptions,
): Promise<KafkaRecord[]> {
  const { cluster, clock, timeoutMs } = options;
  const deadline = clock.monotonic() + timeoutMs;
  try {
    await cluster.connect();
    const found = await Promise.all(positions.map((position) => lookUp(position, deadline, options)));
    return found.filter((record) => record !== undefined);
  } finally {
    await cluster.close();
  }
}

type Attempt = { readonly record: KafkaRecord | undefined } | 'not yet';

async function lookUp(
  position: LookupPosition,
  deadline: number,
  options: LookupOptions,
): Promise<KafkaRecord | undefined> {
  for (;;) {
    let problem: unknown;
    const began = options.clock.monotonic();
    try {
      const attempt = await fetchOne(position, Math.max(0, deadline - began), options);
      if (attempt !== 'not yet') return attempt.record;
    } catch (error) {
      if (!(error instanceof NestdawError) || !error.retriable) throw error;
      problem = error;
    }
    const remaining = deadline - options.clock.monotonic();
    if (remaining <= 0) {
      if (problem === undefined) return undefined;
      throw new NestdawError(
        'KAFKA_REQUEST_TIMEOUT',
        `${position.topic}-${position.partition} could not be read within ${options.timeoutMs} ms: ${messageOf(problem)}`,
        { cause: problem, retriable: true },
      );
    }
    if (problem !== undefined) await sleep(options.clock, Math.min(PAUSE_MS, remaining));
  }
}

async function fetchOne(
  { topic, partition, offset }: LookupPosition,
  maxWaitMs: number,
  { cluster, isolationLevel, checkCrcs }: LookupOptions,
): Promise<Attempt> {
  const partitions = await cluster.partitionsOf(topic);
  if (!partitions || partition < 0 || partition >= partitions.length) return { record: undefined };
  const leader = cluster.leaderOf(topic, partition);
  if (leader < 0) throw brokerError(ErrorCode.LEADER_NOT_AVAILABLE, `${topic}-${partition}`);
  const version = await cluster.versionOf(leader, Fetch, FETCH_VERSION);
  const waitMs = Math.min(maxWaitMs, 500);
  const answer = await cluster.send(leader, Fetch, version, {
    maxWaitMs: waitMs,
    minBytes: 1,
    isolationLevel: isolationLevel === 'read_committed' ? 1 : 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic, partitions: [{ partition, fetchOffset: offset, partitionMaxBytes: PARTITION_BYTES }] }],
  });
  const given = answer.responses[0]?.partitions[0];
  const code = answer.errorCode || (given?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR);
  if (code === ErrorCode.OFFSET_OUT_OF_RANGE) return { record: undefined };
  if (code !== ErrorCode.NONE) {
    if (isRetriable(code)) await cluster.refreshMetadata();
    throw brokerError(code, `${topic}-${partition}`);
  }
  const bytes = given!.records ?? Buffer.alloc(0);
  const hold = { bytes: bytes.length, memory: bytes, parts: 1 };
  const chunk = new FetchedChunk(topic, partition, bytes, hold, given!.abortedTransactions);
  const records: KafkaRecord[] = [];
  let next = offset;
  while (chunk.remainingBytes > 0 && next <= offset) next = chunk.readBatch(offset, checkCrcs, records);
  const record = records.find((one) => one.offset === offset);
  return record || next > offset ? { record } : 'not yet';
}
