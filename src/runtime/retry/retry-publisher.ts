import { type Clock } from '../../common/clock.js';
import { type Logger } from '../../common/logger.js';
import { type Random, systemRandom } from '../../common/random.js';
import { type KafkaRecord } from '../../common/record.js';
import { partitionName } from '../../common/topic-partition.js';
import { failureHeaders } from '../dead-letters/failure-headers.js';
import { RETRY_TOPIC_HEADERS } from '../dead-letters/header-names.js';
import { type RecordSender } from '../dead-letters/record-sender.js';
import { type ErrorHandler, type FailureDecision } from '../listener/failures/error-handler.js';
import { type Failure } from '../listener/failures/failure.js';
import { Departures } from './departures.js';
import { type DestinationTopic } from './destination-topics.js';
import { jittered } from './retry-delays.js';
import { attemptOf, firstTimestampOf, writeBookkeeping } from './retry-headers.js';
import { type RetryPlan } from './retry-rules.js';

// Carries the plan out: decides about each failure of a listener's topics, and sends the record to its next stop.

/** Deliveries in place before a record goes on to its next topic, for errors that pass quickly. */
export interface BlockingRetries {
  readonly matches: (error: unknown) => boolean;
  /** Deliveries after the first, at every stop. */
  readonly retries: number;
  readonly delayMs: (failures: number) => number;
}

export interface RetryPublisherOptions {
  readonly plan: RetryPlan;
  readonly sender: RecordSender;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random?: Random;
  readonly blocking?: BlockingRetries | undefined;
  /** Partition of the next topic; undefined lets the producer choose. Default: the same, where there is one. */
  readonly partitionResolver?: ((record: KafkaRecord, topic: string) => number | undefined) | undefined;
}

interface NextDelivery {
  readonly attempt: number;
  readonly dueAt: number;
  readonly delayMs: number;
}

export class RetryPublisher {
  readonly #options: RetryPublisherOptions;
  readonly #random: Random;
  readonly #departures: Departures;

  constructor(options: RetryPublisherOptions) {
    this.#options = options;
    this.#departures = new Departures(options.clock);
    this.#random = options.random ?? systemRandom;
  }

  /** The error handler of the container that reads one stop. */
  errorHandlerFor(stop: DestinationTopic): ErrorHandler {
    return (failure) => this.#decide(stop, failure);
  }

  /** Name of a topic without the suffix of its stop. */
  static mainTopic(topic: string, { suffix }: DestinationTopic): string {
    return suffix !== '' && topic.endsWith(suffix) ? topic.slice(0, -suffix.length) : topic;
  }

  #decide(stop: DestinationTopic, failure: Failure): FailureDecision {
    const { plan, clock, blocking } = this.#options;
    const { record, error, attempt: tries } = failure;
    if (blocking?.matches(error) && tries <= blocking.retries) {
      return { action: 'retry', delayMs: blocking.delayMs(tries) };
    }
    const now = clock.now();
    const attempt = attemptOf(record);
    const next = plan.next({ stop, attempt, error, ageMs: now - firstTimestampOf(record) });
    if (next === undefined) {
      return { action: 'skip', policy: plan.deadLetters.length === 0 ? 'NO_DLT' : plan.rules.dltStrategy };
    }
    const topic = RetryPublisher.mainTopic(record.topic, stop) + next.suffix;
    const delayMs = jittered(next.delayMs, plan.rules.backOff, this.#random);
    const send = () => this.#send(failure, topic, { attempt: attempt + 1, dueAt: now + delayMs, delayMs });
    const isRetriedThere = next.kind === 'retry';
    const description = isRetriedThere ? `sent to ${topic}, due in ${delayMs} ms` : `sent to ${topic}`;
    return { action: 'recover', recoverer: { recover: send, description }, isOrdered: false, isRetriedThere };
  }

  async #send(failure: Failure, topic: string, { attempt, dueAt, delayMs }: NextDelivery): Promise<void> {
    const { record } = failure;
    const headers = failureHeaders(failure, { names: RETRY_TOPIC_HEADERS, appendOriginalHeaders: false });
    writeBookkeeping(headers, { attempt, dueAt, firstTimestamp: firstTimestampOf(record) });
    const partition = await this.#partitionOf(record, topic);
    await this.#departures.next(delayMs);
    await this.#options.sender.sendBytes(topic, partition, { key: record.key, value: record.value, headers });
  }

  async #partitionOf(record: KafkaRecord, topic: string): Promise<number | undefined> {
    const { partitionResolver, sender, logger } = this.#options;
    if (partitionResolver) return partitionResolver(record, topic);
    const count = await sender.partitionsFor(topic);
    if (record.partition < count) return record.partition;
    logger.warn(
      `${topic} has ${count} partition(s): ${partitionName(record)} offset ${record.offset} goes where its key says`,
    );
    return undefined;
  }
}
