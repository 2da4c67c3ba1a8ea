import { messageOf } from '../../common/errors.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import { Produce, type ProduceRequest, type ProduceResponse } from '../../protocol/messages/00-produce.js';
import { BATCH_HEADER_BYTES, compressionOf, isTransactional } from '../../protocol/record-batch-header.js';
import { type TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.js';
import { type PartitionLog } from '../log/partition-log.js';
import { type TopicEntry } from '../metadata/topic-registry.js';
import { CLOSE_CONNECTION, defineHandler, NO_RESPONSE, type RequestContext } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';
import { NO_TRANSACTION, type ProduceGate, TransactionGate, transactionOf } from './transaction-gate.js';

// Produce 3–13. Each partition stands for itself: what one is refused for never touches another. With acks 1 and -1
// the answer waits for the disk only where the topic's flush policy says so; on one node the two mean the same.
// A batch of a transaction is taken where the coordinator knows the partition to be part of it; from v12 on the
// partition becomes part of it by the batch (KIP-890).

type TopicInput = ProduceRequest['topicData'][number];
type PartitionInput = TopicInput['partitionData'][number];
type PartitionAnswer = ProduceResponse['responses'][number]['partitionResponses'][number];

const ACKS_NONE = 0;
const ZSTD = 4;
const ZSTD_FROM_VERSION = 7;
/** Admin tools may write to internal topics under this name. */
const ADMIN_CLIENT_ID = '__admin_client';

export function produceHandler(parts: BrokerParts, transactions: TransactionCoordinator) {
  return defineHandler<typeof Produce>({
    api: Produce,
    minVersion: 3,
    maxVersion: 13,
    handle(request, context) {
      const transaction = transactionOf(request);
      if (transaction === undefined) return new ProduceCall(parts, request, context, NO_TRANSACTION).run();
      const gate = new TransactionGate(parts, transactions, transaction, context.apiVersion);
      const opened = gate.open(request);
      const run = () => new ProduceCall(parts, request, context, gate).run();
      return opened ? opened.then(run) : run();
    },
  });
}

class ProduceCall {
  /** Waits for the disk, each with the answer that turns into an error when it fails. */
  readonly #syncs: Promise<void>[] = [];
  #failed = false;

  constructor(
    readonly parts: BrokerParts,
    readonly request: ProduceRequest,
    readonly context: RequestContext,
    readonly gate: ProduceGate,
  ) {}

  run() {
    const { request, gate } = this;
    const { refusal } = gate;
    const responses = request.topicData.map((topic) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitionResponses: this.#appendTopic(topic, refusal),
    }));
    if (request.acks === ACKS_NONE) return this.#failed ? CLOSE_CONNECTION : NO_RESPONSE;
    const response = { responses, throttleTimeMs: 0 };
    return this.#syncs.length === 0 ? response : Promise.all(this.#syncs).then(() => response);
  }

  #appendTopic(topic: TopicInput, refusal: number): PartitionAnswer[] {
    const { topics } = this.parts.metadata;
    const byId = this.context.apiVersion >= 13;
    const entry = byId ? topics.byId(topic.topicId) : topics.get(topic.name);
    const unknown = byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    return topic.partitionData.map((partition) => {
      if (refusal !== ErrorCode.NONE) return this.#refuse(partition, refusal);
      return entry ? this.#append(entry, partition) : this.#refuse(partition, unknown);
    });
  }

  #append(topic: TopicEntry, input: PartitionInput): PartitionAnswer {
    const log = topic.partitions[input.index];
    if (!log) return this.#refuse(input, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const refusal = this.#refusalOf(topic, input, log);
    if (refusal !== ErrorCode.NONE) return this.#refuse(input, refusal);
    try {
      const { startsAtZero } = this.gate;
      const result = log.append(input.records, { origin: 'client', now: this.parts.clock.now(), startsAtZero });
      if (result.errorCode !== ErrorCode.NONE) this.#failed = true;
      const answer = {
        index: input.index,
        errorCode: result.errorCode,
        baseOffset: result.baseOffset,
        logAppendTimeMs: result.logAppendTime,
        logStartOffset: result.logStartOffset,
        recordErrors: result.recordErrors,
        errorMessage: result.errorMessage,
      };
      const durable = this.request.acks === ACKS_NONE ? undefined : log.durable();
      if (durable) this.#syncs.push(durable.catch((error: unknown) => this.#storageFailure(topic, answer, error)));
      return answer;
    } catch (error) {
      const answer = this.#refuse(input, ErrorCode.KAFKA_STORAGE_ERROR);
      this.#storageFailure(topic, answer, error);
      return answer;
    }
  }

  #refusalOf(topic: TopicEntry, { records, index }: PartitionInput, log: PartitionLog): number {
    if (records && records.length >= BATCH_HEADER_BYTES) {
      if (compressionOf(records) === ZSTD && this.context.apiVersion < ZSTD_FROM_VERSION) {
        return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE;
      }
    } else return ErrorCode.INVALID_RECORD;
    if (this.request.acks < -1 || this.request.acks > 1) return ErrorCode.INVALID_REQUIRED_ACKS;
    if (isTransactional(records)) {
      const errorCode = this.gate.refusalOf({ topic: topic.name, partition: index }, log);
      if (errorCode !== ErrorCode.NONE) return errorCode;
    }
    const isOwn = topic.isInternal && this.context.clientId !== ADMIN_CLIENT_ID;
    return isOwn ? ErrorCode.INVALID_TOPIC_EXCEPTION : ErrorCode.NONE;
  }

  #refuse({ index }: PartitionInput, errorCode: number) {
    this.#failed = true;
    return { index, errorCode, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 };
  }

  #storageFailure(topic: TopicEntry, answer: { index: number; errorCode: number; baseOffset: number }, error: unknown) {
    this.parts.logger.error(`append to ${topic.name}-${answer.index} failed: ${messageOf(error)}`, error);
    answer.errorCode = ErrorCode.KAFKA_STORAGE_ERROR;
    answer.baseOffset = -1;
  }
}
