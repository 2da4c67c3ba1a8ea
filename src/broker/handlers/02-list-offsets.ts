import { messageOf } from '../../common/errors.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import {
  ListOffsets,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
} from '../../protocol/messages/02-list-offsets.js';
import { type IsolationLevel } from '../log/log-results.js';
import { defineHandler, type RequestContext } from '../network/handler.js';
import { type BrokerParts, leaderEpochError } from './broker-parts.js';

// ListOffsets 1–11: offsets by time, and the ends of the log under negative times.

type PartitionInput = ListOffsetsRequest['topics'][number]['partitions'][number];
type PartitionAnswer = ListOffsetsResponse['topics'][number]['partitions'][number];

const LATEST_TIERED = -5;
const EARLIEST_PENDING_UPLOAD = -6;
/** First version in which each special time may be asked for. */
const SPECIAL_SINCE: ReadonlyMap<number, number> = new Map([
  [-1, 1],
  [-2, 1],
  [-3, 7],
  [-4, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
]);

export function listOffsetsHandler(parts: BrokerParts) {
  return defineHandler<typeof ListOffsets>({
    api: ListOffsets,
    minVersion: 1,
    maxVersion: 11,
    handle(request, context) {
      const asked = new Set<string>();
      const twice = new Set<string>();
      for (const { name, partitions } of request.topics) {
        for (const { partitionIndex } of partitions) {
          const key = `${name}-${partitionIndex}`;
          (asked.has(key) ? twice : asked).add(key);
        }
      }
      const topics = request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((input) =>
          twice.has(`${name}-${input.partitionIndex}`)
            ? refused(input, ErrorCode.INVALID_REQUEST)
            : lookUp(parts, name, input, request.isolationLevel, context),
        ),
      }));
      return { throttleTimeMs: 0, topics };
    },
    errorResponse: (request, errorCode) => ({
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((input) => refused(input, errorCode)),
      })),
    }),
  });
}

function refused({ partitionIndex }: PartitionInput, errorCode: number): PartitionAnswer {
  return { partitionIndex, errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 };
}

function lookUp(
  parts: BrokerParts,
  name: string,
  input: PartitionInput,
  isolationLevel: number,
  { apiVersion }: RequestContext,
): PartitionAnswer {
  const { partitionIndex, timestamp } = input;
  const topic = parts.metadata.topics.get(name);
  const log = topic?.partitions[partitionIndex];
  if (!topic || !log) return refused(input, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  if (timestamp < 0 && apiVersion < (SPECIAL_SINCE.get(timestamp) ?? Number.POSITIVE_INFINITY)) {
    return refused(input, ErrorCode.UNSUPPORTED_VERSION);
  }
  const epochError = leaderEpochError(topic, partitionIndex, input.currentLeaderEpoch);
  if (epochError !== ErrorCode.NONE) return refused(input, epochError);
  // Nothing is in tiered storage, and nothing waits to go there.
  if (timestamp === LATEST_TIERED || timestamp === EARLIEST_PENDING_UPLOAD) return refused(input, ErrorCode.NONE);
  const isolation: IsolationLevel = isolationLevel === 1 ? 'read_committed' : 'read_uncommitted';
  try {
    const found = log.offsetForTimestamp(timestamp, isolation);
    return {
      partitionIndex,
      errorCode: found.errorCode,
      timestamp: found.timestamp,
      offset: found.offset,
      leaderEpoch: found.leaderEpoch,
    };
  } catch (error) {
    parts.logger.error(`look-up of time ${timestamp} in ${name}-${partitionIndex} failed: ${messageOf(error)}`, error);
    return refused(input, ErrorCode.KAFKA_STORAGE_ERROR);
  }
}
