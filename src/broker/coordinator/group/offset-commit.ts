import { ErrorCode } from '../../../protocol/error-codes.js';
import { type CommittedOffset, type OffsetRecord } from '../offset-records.js';

// From what a commit asks to the records it leads to: pure, partition by partition.

/** What the coordinators ask of the topics. */
export interface TopicLookup {
  /** Undefined when there is no such topic. */
  partitionCount(topic: string): number | undefined;
}

export interface CommitTopic {
  readonly name: string;
  readonly partitions: ReadonlyArray<{
    readonly partitionIndex: number;
    readonly committedOffset: number;
    readonly committedLeaderEpoch: number;
    readonly committedMetadata: string | null;
  }>;
}

export interface TopicResult {
  readonly name: string;
  readonly partitions: ReadonlyArray<{ readonly partitionIndex: number; readonly errorCode: number }>;
}

export interface CommitRules {
  readonly topics: TopicLookup;
  /** `offset.metadata.max.bytes`, counted in characters as Kafka does. */
  readonly maxMetadata: number;
}

/** A string field of a record holds no more bytes. */
const MAX_STRING_BYTES = 0x7fff;

/** The records of the partitions that may be committed, and everybody's error code. */
export function decideCommit(
  groupId: string,
  topics: readonly CommitTopic[],
  times: Pick<CommittedOffset, 'commitTimestamp' | 'expireTimestamp'>,
  rules: CommitRules,
): { readonly records: OffsetRecord[]; readonly results: TopicResult[] } {
  const records: OffsetRecord[] = [];
  const results = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((asked) => {
      const { partitionIndex, committedOffset: offset, committedLeaderEpoch: leaderEpoch } = asked;
      const metadata = asked.committedMetadata ?? '';
      const errorCode = refusalOf(rules, name, partitionIndex, offset, metadata);
      if (errorCode === ErrorCode.NONE) {
        const value = { offset, leaderEpoch, metadata, ...times };
        records.push({ type: 'offset', groupId, topic: name, partition: partitionIndex, value });
      }
      return { partitionIndex, errorCode };
    }),
  }));
  return { records, results };
}

function refusalOf(
  { topics, maxMetadata }: CommitRules,
  topic: string,
  partition: number,
  offset: number,
  metadata: string,
) {
  if (!hasPartition(topics, topic, partition)) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  if (metadata.length > maxMetadata || Buffer.byteLength(metadata) > MAX_STRING_BYTES) {
    return ErrorCode.OFFSET_METADATA_TOO_LARGE;
  }
  // Beyond 2^53 the reader clamped: what would be stored is not what was sent.
  if (Math.abs(offset) >= Number.MAX_SAFE_INTEGER) return ErrorCode.INVALID_COMMIT_OFFSET_SIZE;
  return ErrorCode.NONE;
}

export function hasPartition(topics: TopicLookup, topic: string, partition: number): boolean {
  const count = topics.partitionCount(topic);
  return count !== undefined && partition >= 0 && partition < count;
}

/** The same answer for every partition. */
export function allRefused(
  topics: ReadonlyArray<{
    readonly name: string;
    readonly partitions: ReadonlyArray<{ readonly partitionIndex: number }>;
  }>,
  errorCode: number,
): TopicResult[] {
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  }));
}

/** What a refused append means to those whose offsets were in it; the others keep their own codes. */
export function withAppendError(results: readonly TopicResult[], errorCode: number): TopicResult[] {
  return results.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((result) => (result.errorCode === ErrorCode.NONE ? { ...result, errorCode } : result)),
  }));
}
