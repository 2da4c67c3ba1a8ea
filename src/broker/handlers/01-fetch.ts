import { hasCode, messageOf } from '../../common/errors.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import { Fetch, type FetchRequest, type FetchResponse } from '../../protocol/messages/01-fetch.js';
import { readableBytes, type WaitedPartition } from '../fetch/fetch-purgatory.js';
import { type IsolationLevel } from '../log/log-results.js';
import { type TopicEntry } from '../metadata/topic-registry.js';
import { defineHandler, type RequestContext } from '../network/handler.js';
import { type BrokerParts, leaderEpochError } from './broker-parts.js';

// Fetch 4–18. Sessions (KIP-227) are not kept: the answer's session id is always 0, which the protocol allows and
// which makes every client send full fetches. On one node they save nothing but some bytes over the loopback.

type TopicInput = FetchRequest['topics'][number];
type PartitionInput = TopicInput['partitions'][number];
type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number];

/** One partition of the request, looked up. */
interface Target {
  readonly input: PartitionInput;
  /** Not 0: answered with this. */
  readonly errorCode: number;
  readonly topic: TopicEntry | undefined;
}

export function fetchHandler(parts: BrokerParts) {
  return defineHandler<typeof Fetch>({
    api: Fetch,
    minVersion: 4,
    maxVersion: 18,
    handle: (request, context) => new FetchCall(parts, request, context).run(),
    errorResponse: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, sessionId: 0, responses: [] }),
  });
}

class FetchCall {
  readonly #isolation: IsolationLevel;
  readonly #byId: boolean;

  constructor(
    readonly parts: BrokerParts,
    readonly request: FetchRequest,
    readonly context: RequestContext,
  ) {
    this.#isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted';
    this.#byId = context.apiVersion >= 13;
  }

  run(): FetchResponse | Promise<FetchResponse> {
    const { request } = this;
    if (request.sessionId !== 0 && request.sessionEpoch > 0) {
      return { throttleTimeMs: 0, errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0, responses: [] };
    }
    const waited = this.#reasonsToWait();
    if (!waited) return this.#read();
    return this.parts.purgatory
      .park({
        partitions: waited,
        minBytes: request.minBytes,
        maxWaitMs: request.maxWaitMs,
        closed: this.context.closed,
      })
      .then(() => this.#read());
  }

  /** What to wait on; undefined when the answer is due at once. */
  #reasonsToWait(): readonly WaitedPartition[] | undefined {
    const { maxWaitMs, minBytes, topics } = this.request;
    if (maxWaitMs <= 0 || minBytes <= 0) return undefined;
    const waited: WaitedPartition[] = [];
    let readable = 0;
    for (const topic of topics) {
      for (const input of topic.partitions) {
        const target = this.#targetOf(topic, input);
        const log = target.topic?.partitions[input.partition];
        const { fetchOffset: offset } = input;
        if (target.errorCode !== ErrorCode.NONE || !log) return undefined;
        if (offset < log.logStartOffset || offset > log.logEndOffset) return undefined;
        const partition = { log, offset, isolation: this.#isolation, maxBytes: input.partitionMaxBytes };
        readable += readableBytes(partition);
        if (readable >= minBytes) return undefined;
        waited.push(partition);
      }
    }
    return waited.length === 0 ? undefined : waited;
  }

  #targetOf(topic: TopicInput, input: PartitionInput): Target {
    const { topics } = this.parts.metadata;
    const entry = this.#byId ? topics.byId(topic.topicId) : topics.get(topic.topic);
    if (!entry && this.#byId) return { input, topic: undefined, errorCode: ErrorCode.UNKNOWN_TOPIC_ID };
    if (!entry?.partitions[input.partition]) {
      return { input, topic: undefined, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
    }
    return { input, topic: entry, errorCode: leaderEpochError(entry, input.partition, input.currentLeaderEpoch) };
  }

  #read(): FetchResponse {
    let left = Math.min(this.request.maxBytes, this.parts.config.number('fetch.max.bytes'));
    let isEmpty = true;
    const responses = this.request.topics.map((topic) => ({
      topic: topic.topic,
      topicId: topic.topicId,
      partitions: topic.partitions.map((input) => {
        const answer = this.#readPartition(this.#targetOf(topic, input), left, isEmpty);
        const bytes = (answer.records as Buffer).length;
        if (bytes > 0) isEmpty = false;
        left = Math.max(0, left - bytes);
        return answer;
      }),
    }));
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, sessionId: 0, responses };
  }

  /** The first partition with data gives at least one batch, whatever the limits: a reader could be stuck else. */
  #readPartition({ input, topic, errorCode }: Target, left: number, minOneBatch: boolean): PartitionAnswer {
    const { partition, fetchOffset, partitionMaxBytes } = input;
    if (!topic || errorCode !== ErrorCode.NONE) return refused(partition, errorCode);
    const log = topic.partitions[partition]!;
    try {
      const divergingEpoch = divergenceOf(log, input);
      if (divergingEpoch) {
        const { highWatermark, lastStableOffset, logStartOffset } = log;
        const offsets = { highWatermark, lastStableOffset, logStartOffset };
        return { ...refused(partition, ErrorCode.NONE), ...offsets, divergingEpoch };
      }
      const maxBytes = Math.min(left, partitionMaxBytes);
      const result = log.read(fetchOffset, { maxBytes, minOneBatch, isolation: this.#isolation });
      return {
        partitionIndex: partition,
        errorCode: result.errorCode,
        highWatermark: result.highWatermark,
        lastStableOffset: result.lastStableOffset,
        logStartOffset: result.logStartOffset,
        abortedTransactions: result.abortedTransactions,
        records: result.records,
      };
    } catch (error) {
      this.parts.logger.error(
        `read of ${topic.name}-${partition} at ${fetchOffset} failed: ${messageOf(error)}`,
        error,
      );
      const isStorage = hasCode(error, 'KAFKA_STORAGE_FAILED');
      return refused(partition, isStorage ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.UNKNOWN_SERVER_ERROR);
    }
  }
}

const NO_RECORDS = Buffer.alloc(0);

function refused(partitionIndex: number, errorCode: number) {
  return {
    partitionIndex,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    abortedTransactions: null,
    records: NO_RECORDS,
  };
}

/** Where the log went another way than the reader, who saw `lastFetchedEpoch` before its offset (KIP-595). */
function divergenceOf(log: TopicEntry['partitions'][number], { lastFetchedEpoch, fetchOffset }: PartitionInput) {
  if (lastFetchedEpoch < 0) return undefined;
  const { leaderEpoch: epoch, endOffset } = log.offsetForLeaderEpoch(lastFetchedEpoch);
  if (epoch < 0) return undefined;
  return epoch < lastFetchedEpoch || endOffset < fetchOffset ? { epoch, endOffset } : undefined;
}
