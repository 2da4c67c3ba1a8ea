import { type Clock } from '../../src/common/clock.js';
import { ErrorCode } from '../../src/protocol/error-codes.js';
import { Fetch } from '../../src/protocol/messages/01-fetch.js';
import { ListOffsets } from '../../src/protocol/messages/02-list-offsets.js';
import { OffsetCommit } from '../../src/protocol/messages/08-offset-commit.js';
import { OffsetFetch } from '../../src/protocol/messages/09-offset-fetch.js';
import { JoinGroup } from '../../src/protocol/messages/11-join-group.js';
import { Heartbeat } from '../../src/protocol/messages/12-heartbeat.js';
import { LeaveGroup } from '../../src/protocol/messages/13-leave-group.js';
import { SyncGroup } from '../../src/protocol/messages/14-sync-group.js';
import { encodeRecords } from '../../src/protocol/record-batch.js';
import { setBaseOffset } from '../../src/protocol/record-batch-header.js';
import { encodeAssignment } from '../../src/runtime/client/consumer/membership/consumer-protocol.js';
import { ClusterScript } from './scripted-cluster.js';

// A group with one member and its topics' logs, as far as a consumer can tell. Codes to answer with are fields; the
// test overrides single requests with `script.once`.

export interface ScriptedLog {
  start: number;
  end: number;
  readonly batches: Array<{ readonly base: number; readonly next: number; readonly bytes: Buffer }>;
}

export class ScriptedGroup {
  readonly script: ClusterScript;
  readonly committed = new Map<string, { offset: number; metadata: string }>();
  readonly logs = new Map<string, ScriptedLog>();
  generationId = 0;
  memberId = '';
  heartbeatCode: number = ErrorCode.NONE;
  commitCode: number = ErrorCode.NONE;
  #members = 0;
  readonly #parked = new Set<() => void>();

  constructor(
    topics: Record<string, number>,
    readonly clock: Clock,
  ) {
    this.script = new ClusterScript(topics);
    this.#serveMembership();
    this.#serveOffsets();
    this.#serveLogs();
  }

  /** Fetches that wait; each has a timer. */
  get parked(): number {
    return this.#parked.size;
  }

  /** Whoever leads: these partitions are what the member gets, from the next generation on. */
  gives(topic: string, ...numbers: number[]): void {
    const partitions = numbers.map((partition) => ({ topic, partition }));
    const assignment = encodeAssignment({ partitions, userData: null });
    this.script.on(SyncGroup, () => ({ errorCode: 0, protocolType: 'consumer', assignment }));
  }

  log(name: string): ScriptedLog {
    let log = this.logs.get(name);
    if (!log) {
      log = { start: 0, end: 0, batches: [] };
      this.logs.set(name, log);
    }
    return log;
  }

  append(topic: string, partition: number, ...values: string[]): void {
    const records = values.map((value) => ({ key: null, value: Buffer.from(value) }));
    const log = this.log(`${topic}-${partition}`);
    const bytes = encodeRecords(records, { timestamp: 1_700_000_000_000 });
    this.appendBatch(topic, partition, bytes, log.end + values.length);
  }

  appendBatch(topic: string, partition: number, bytes: Buffer, next: number): void {
    const log = this.log(`${topic}-${partition}`);
    setBaseOffset(bytes, 0, log.end);
    log.batches.push({ base: log.end, next, bytes });
    log.end = next;
    for (const look of this.#parked) look();
  }

  #serveMembership(): void {
    this.script
      .on(JoinGroup, ({ memberId, protocols }) => {
        if (memberId === '') return failedJoin(ErrorCode.MEMBER_ID_REQUIRED, `member-${++this.#members}`);
        this.memberId = memberId;
        this.generationId++;
        const { name, metadata } = protocols[0]!;
        return {
          generationId: this.generationId,
          protocolType: 'consumer',
          protocolName: name,
          leader: memberId,
          memberId,
          errorCode: 0,
          members: [{ memberId, groupInstanceId: null, metadata }],
        };
      })
      .on(SyncGroup, ({ assignments, memberId }) => ({
        errorCode: 0,
        protocolType: 'consumer',
        assignment: assignments.find((one) => one.memberId === memberId)?.assignment ?? Buffer.alloc(0),
      }))
      .on(Heartbeat, () => ({ errorCode: this.heartbeatCode }))
      .on(LeaveGroup, ({ members }) => ({
        errorCode: 0,
        members: members.map(({ memberId }) => ({ memberId, groupInstanceId: null, errorCode: 0 })),
      }));
  }

  #serveOffsets(): void {
    this.script
      .on(OffsetFetch, ({ groups }) => ({
        groups: groups.map(({ groupId, topics }) => ({
          groupId,
          errorCode: 0,
          topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
            name,
            partitions: partitionIndexes.map((partitionIndex) => {
              const known = this.committed.get(`${name}-${partitionIndex}`);
              const { offset, metadata } = known ?? { offset: -1, metadata: '' };
              return { partitionIndex, committedOffset: offset, committedLeaderEpoch: -1, metadata, errorCode: 0 };
            }),
          })),
        })),
      }))
      .on(OffsetCommit, ({ topics }) => ({
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex, committedOffset, committedMetadata }) => {
            if (this.commitCode === ErrorCode.NONE) {
              const metadata = committedMetadata ?? '';
              this.committed.set(`${name}-${partitionIndex}`, { offset: committedOffset, metadata });
            }
            return { partitionIndex, errorCode: this.commitCode };
          }),
        })),
      }));
  }

  #serveLogs(): void {
    this.script
      .on(ListOffsets, ({ topics }) => ({
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex, timestamp }) => {
            const { start, end } = this.log(`${name}-${partitionIndex}`);
            return { partitionIndex, errorCode: 0, timestamp: -1, offset: timestamp === -2 ? start : end };
          }),
        })),
      }))
      .on(Fetch, async (request) => {
        const read = () =>
          request.topics.flatMap(({ topic, partitions }) =>
            partitions.map(({ partition, fetchOffset }) => ({
              topic,
              partition,
              ...this.#read(topic, partition, fetchOffset),
            })),
          );
        await this.#untilReadable(
          () => read().some(({ records, errorCode }) => records.length > 0 || errorCode !== 0),
          request.maxWaitMs,
        );
        return {
          throttleTimeMs: 0,
          responses: request.topics.map(({ topic }) => ({
            topic,
            partitions: read()
              .filter((one) => one.topic === topic)
              .map(({ partition, records, errorCode, highWatermark }) => ({
                partitionIndex: partition,
                errorCode,
                highWatermark,
                abortedTransactions: null,
                records,
              })),
          })),
        };
      });
  }

  #read(topic: string, partition: number, from: number) {
    const { start, end, batches } = this.log(`${topic}-${partition}`);
    if (from < start || from > end) return { errorCode: 1, highWatermark: -1, records: Buffer.alloc(0) };
    const records = Buffer.concat(batches.filter(({ next }) => next > from).map(({ bytes }) => bytes));
    return { errorCode: 0, highWatermark: end, records };
  }

  async #untilReadable(isReadable: () => boolean, maxWaitMs: number): Promise<void> {
    if (isReadable()) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#parked.delete(look);
        timer.cancel();
        resolve();
      };
      const look = (): void => {
        if (isReadable()) done();
      };
      const timer = this.clock.schedule(maxWaitMs, done);
      this.#parked.add(look);
    });
  }
}

export function failedJoin(errorCode: number, memberId = '') {
  return { errorCode, generationId: -1, protocolName: '', leader: '', memberId, members: [] };
}
