import { NestdawError } from '../../common/errors.js';
import { type Logger, silentLogger } from '../../common/logger.js';
import { type KafkaRecord, type OutgoingRecord, type RecordHeader } from '../../common/record.js';
import { partitionName } from '../../common/topic-partition.js';
import { isFatalFailure } from '../listener/failures/error-handler.js';
import { type Failure } from '../listener/failures/failure.js';
import { type Recoverer, type RecovererTools } from '../listener/failures/recoverer.js';
import { storyOf } from './error-story.js';
import { type FailureHeaderOptions, failureHeaders } from './failure-headers.js';
import { removeHeader } from './header-bytes.js';
import { type RecordSender } from './record-sender.js';

// A record that its listener could not handle goes to a dead-letter topic, with its story in the headers.

/** Where a dead letter goes. */
export interface DeadLetterDestination {
  readonly topic: string;
  /** Left out, negative or not there: by the key. */
  readonly partition?: number | undefined;
}

export interface DeadLetterPublishingOptions extends FailureHeaderOptions {
  /** Default: `<topic>-dlt`, the same partition. Undefined: the record goes nowhere, see `throwIfNoDestination`. */
  readonly destination?: (record: KafkaRecord, error: unknown) => DeadLetterDestination | undefined;
  /** Whether the producer chooses where the topic does not have the partition; else such a send fails. Default true. */
  readonly verifyPartition?: boolean;
  /** Whether a record without a destination fails again instead of being dropped with a warning. Default false. */
  readonly throwIfNoDestination?: boolean;
  /**
   * Whether a record with a fatal error is dropped, with an error in the log, where its destination is the topic it
   * came from: it would come back for ever. Default true.
   */
  readonly skipSameTopicFatalExceptions?: boolean;
  /** Whether a failed send leaves the record unfinished; false drops it with an error in the log. Default true. */
  readonly failIfSendResultIsError?: boolean;
  /** Further headers; they stand behind the others. */
  readonly addHeaders?: (record: KafkaRecord, error: unknown) => readonly RecordHeader[];
  /** Names of headers among them that replace what the record has under that name. */
  readonly replaceHeaders?: readonly string[];
  /** Whether each dead letter is logged. Default false. */
  readonly logRecoveryRecord?: boolean;
  /** Who hears of letters that are dropped or go another way. Default: the logger of the listener's container. */
  readonly logger?: Logger;
}

/**
 * Publishes failed records to dead-letter topics (Spring: `DeadLetterPublishingRecoverer`): key, value and headers as
 * they were, byte for byte, and headers that tell where the record came from and what went wrong. The record counts
 * as finished when the dead letter is acknowledged; when the send fails it stays unfinished and comes again.
 */
export class DeadLetterPublishingRecoverer implements Recoverer {
  readonly description = 'published to its dead-letter topic';
  readonly #sender: RecordSender;
  readonly #options: DeadLetterPublishingOptions;

  /** @param sender A `KafkaTemplate`; its serializers play no part. */
  constructor(sender: RecordSender, options: DeadLetterPublishingOptions = {}) {
    this.#sender = sender;
    this.#options = options;
  }

  /** Rejects with what the send rejects with, and with KAFKA_CONFIG_INVALID under `throwIfNoDestination`. */
  async recover(failure: Failure, tools?: RecovererTools): Promise<void> {
    const { record, error } = failure;
    const logger = this.#options.logger ?? tools?.logger ?? silentLogger;
    const destination = this.#destinationOf(record, error, logger);
    if (destination === undefined) return;
    try {
      const partition = await this.#partitionOf(destination, record, logger);
      await this.#sender.sendBytes(destination.topic, partition, this.#letterOf(failure));
    } catch (sendError) {
      if (this.#options.failIfSendResultIsError !== false) throw sendError;
      const { message } = storyOf(sendError);
      logger.error(`${positionOf(record)} is lost: sending it to ${destination.topic} failed: ${message}`, sendError);
      return;
    }
    if (this.#options.logRecoveryRecord) {
      logger.log(`${positionOf(record)} went to ${destination.topic}: ${storyOf(error).message}`);
    }
  }

  #letterOf(failure: Failure): OutgoingRecord {
    const { record, error } = failure;
    const { addHeaders, replaceHeaders = [] } = this.#options;
    const headers = failureHeaders(failure, this.#options);
    const more = addHeaders?.(record, error) ?? [];
    for (const name of replaceHeaders) if (more.some(({ key }) => key === name)) removeHeader(headers, name);
    return { key: record.key, value: record.value, headers: [...headers, ...more] };
  }

  #destinationOf(record: KafkaRecord, error: unknown, logger: Logger): DeadLetterDestination | undefined {
    const { destination = besideIt, throwIfNoDestination, skipSameTopicFatalExceptions = true } = this.#options;
    const found = destination(record, error);
    if (found === undefined) {
      const message = `${positionOf(record)} has no dead-letter destination`;
      if (throwIfNoDestination) throw new NestdawError('KAFKA_CONFIG_INVALID', `${message}: name one for it`);
      logger.warn(`${message}; it is dropped`);
      return undefined;
    }
    if (skipSameTopicFatalExceptions && found.topic === record.topic && isFatalFailure(error)) {
      const { message } = storyOf(error);
      logger.error(`${positionOf(record)} would fail the same way again in ${found.topic}, it is dropped: ${message}`);
      return undefined;
    }
    return found;
  }

  async #partitionOf(
    { topic, partition }: DeadLetterDestination,
    record: KafkaRecord,
    logger: Logger,
  ): Promise<number | undefined> {
    if (partition === undefined || partition < 0) return undefined;
    if (this.#options.verifyPartition === false) return partition;
    const count = await this.#sender.partitionsFor(topic);
    if (partition < count) return partition;
    logger.warn(
      `${topic} has ${count} partition(s), no ${partition}: the dead letter of ${positionOf(record)} goes where its key says`,
    );
    return undefined;
  }
}

/** Spring's suffix since 3.3. */
export const DLT_SUFFIX = '-dlt';

function besideIt({ topic, partition }: KafkaRecord): DeadLetterDestination {
  return { topic: `${topic}${DLT_SUFFIX}`, partition };
}

function positionOf(record: KafkaRecord): string {
  return `${partitionName(record)} offset ${record.offset}`;
}
