import { hasCode, messageOf } from '../../common/errors.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import { Fetch, type FetchRequest, type FetchResponse } from '../../protocol/messages/01-fetch.js';
import { type FetchAnswer, type FetchInput, type FetchItem } from '../fetch/fetch-item.js';
import { readableBytes, type WaitedPartition } from '../fetch/fetch-purgatory.js';
import { type FetchContext } from '../fetch/fetch-sessions.js';
import { type IsolationLevel } from '../log/log-results.js';
import { type TopicEntry } from '../metadata/topic-registry.js';
import { defineHandler, type RequestContext } from '../network/handler.js';
import { type BrokerParts, leaderEpochError } from './broker-parts.js';

// Fetch 4–18: what is read, and whether the answer waits for more of it. Which partitions that is, and which of the
// answers go out, is the session's business.

/** One partition of the request, looked up. */
interface Target {
  /** Not 0: answered with this. */
  readonly errorCode: number;
  readonly topic: TopicEntry | undefined;
}

/** From this version on the answer names the leader, where the client believes in another. */
const LEADER_FROM = 16;

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
  readonly #memory = (bytes: number): Buffer => this.parts.rooms.take(bytes);
  readonly #byId: boolean;
  readonly #session: FetchContext;

  constructor(
    readonly parts: BrokerParts,
    readonly request: FetchRequest,
    readonly context: RequestContext,
  ) {
    this.#isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted';
    this.#byId = context.apiVersion >= 13;
    this.#session = parts.sessions.open(request, context.apiVersion);
  }

  run(): FetchResponse | Promise<FetchResponse> {
    const { request } = this;
    const waited = this.#session.errorCode === ErrorCode.NONE ? this.#reasonsToWait() : undefined;
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
    const { maxWaitMs, minBytes } = this.request;
    if (maxWaitMs <= 0 || minBytes <= 0) return undefined;
    const waited: WaitedPartition[] = [];
    let readable = 0;
    for (const item of this.#session.items) {
      const { topic, errorCode } = this.#targetOf(item);
      const { fetchOffset: offset, partition, partitionMaxBytes: maxBytes } = item.input;
      const log = topic?.partitions[partition];
      if (errorCode !== ErrorCode.NONE || !log) return undefined;
      if (log.isUnserved || offset < log.logStartOffset || offset > log.logEndOffset) return undefined;
      const wait = { log, offset, isolation: this.#isolation, maxBytes };
      readable += readableBytes(wait);
      if (readable >= minBytes) return undefined;
      waited.push(wait);
    }
    return waited.length === 0 ? undefined : waited;
  }

  #targetOf(item: FetchItem): Target {
    const { topics } = this.parts.metadata;
    const { topicId, input } = item;
    if (this.#byId && item.topic === '') {
      const name = topics.byId(topicId)?.name;
      if (name === undefined) return { topic: undefined, errorCode: ErrorCode.UNKNOWN_TOPIC_ID };
      item.topic = name;
    }
    const topic = topics.get(item.topic);
    if (!topic?.partitions[input.partition]) {
      return { topic: undefined, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
    }
    // Found under the id once, and since then deleted and created anew: a session goes on asking for the old one.
    if (this.#byId && topic.topicId !== topicId) return { topic, errorCode: ErrorCode.INCONSISTENT_TOPIC_ID };
    // Fetch takes every negative epoch for none.
    const epoch = Math.max(-1, input.currentLeaderEpoch);
    return { topic, errorCode: leaderEpochError(topic, input.partition, epoch) };
  }

  #read(): FetchResponse {
    let left = Math.min(this.request.maxBytes, this.parts.config.number('fetch.max.bytes'));
    let isEmpty = true;
    let isFenced = false;
    const answers = this.#session.items.map((item) => {
      const answer = this.#readPartition(item, left, isEmpty);
      const bytes = (answer.records as Buffer).length;
      if (bytes > 0) isEmpty = false;
      left = Math.max(0, left - bytes);
      isFenced ||= answer.currentLeader !== undefined;
      return answer;
    });
    const response = this.#session.respond(answers);
    return isFenced ? { ...response, nodeEndpoints: [this.#ownEndpoint()] } : response;
  }

  #ownEndpoint() {
    const { host, port } = this.context.advertised;
    return { nodeId: this.parts.config.nodeId, host, port, rack: null };
  }

  #refused(topic: TopicEntry | undefined, partition: number, errorCode: number): FetchAnswer {
    const answer = refused(partition, errorCode);
    const isFenced = topic && errorCode === ErrorCode.FENCED_LEADER_EPOCH;
    if (!isFenced || this.context.apiVersion < LEADER_FROM) return answer;
    const { leaderEpoch } = topic.state.partitions[partition]!;
    return { ...answer, currentLeader: { leaderId: this.parts.config.nodeId, leaderEpoch } };
  }

  /** The first partition with data gives at least one batch, whatever the limits: a reader could be stuck else. */
  #readPartition(item: FetchItem, left: number, minOneBatch: boolean): FetchAnswer {
    const { topic, errorCode } = this.#targetOf(item);
    const { partition, fetchOffset, partitionMaxBytes } = item.input;
    if (!topic || errorCode !== ErrorCode.NONE) return this.#refused(topic, partition, errorCode);
    const log = topic.partitions[partition]!;
    try {
      const divergingEpoch = divergenceOf(log, item.input);
      if (divergingEpoch) {
        const { highWatermark, lastStableOffset, logStartOffset } = log;
        const offsets = { highWatermark, lastStableOffset, logStartOffset };
        return { ...refused(partition, ErrorCode.NONE), ...offsets, divergingEpoch };
      }
      const maxBytes = Math.min(left, partitionMaxBytes);
      const result = log.read(fetchOffset, {
        maxBytes,
        minOneBatch,
        isolation: this.#isolation,
        memory: this.#memory,
      });
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
      return refused(partition, isStorage ? storageError(this.context) : ErrorCode.UNKNOWN_SERVER_ERROR);
    }
  }
}

/** Clients of the first versions know no code for a broken disk: they look for another leader. */
function storageError({ apiVersion }: RequestContext): number {
  return apiVersion <= 5 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.KAFKA_STORAGE_ERROR;
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
function divergenceOf(log: TopicEntry['partitions'][number], { lastFetchedEpoch, fetchOffset }: FetchInput) {
  if (lastFetchedEpoch < 0) return undefined;
  const { leaderEpoch: epoch, endOffset } = log.offsetForLeaderEpoch(lastFetchedEpoch);
  if (epoch < 0) return undefined;
  return epoch < lastFetchedEpoch || endOffset < fetchOffset ? { epoch, endOffset } : undefined;
}
