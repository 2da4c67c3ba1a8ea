import { classNameOf } from '../../../common/class-name.js';
import { messageOf } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { type KafkaRecord } from '../../../common/record.js';
import { TopicPartitionMap } from '../../../common/topic-partition.js';
import { type CommitOffset, type PartitionRecords } from '../../client/consumer-client.js';
import { type ContainerCounters } from '../container-counters.js';

// Interceptors of a consumer by Kafka's rules: each gets what the one before it made of a poll; one that throws is
// logged, counted and left out for that poll, which goes on as the last good one left it.

/**
 * Sees what every poll brought, and every commit (Kafka: `ConsumerInterceptor`). Named by
 * `kafka.consumer.properties.interceptor.classes`. What it throws loses no record and stops nothing: it is logged and
 * counted as `interceptorErrors`.
 */
export interface ConsumerInterceptor {
  /**
   * The records of one poll, before any of them is delivered, those of a partition in their order. Returns them, or
   * others in their places: a record keeps its topic, partition and offset; one that is left out is not delivered and
   * counts as finished. Runs in the consumer's turn, so keep it light.
   */
  onConsume?(records: readonly KafkaRecord[]): readonly KafkaRecord[];
  /** These offsets have been committed. */
  onCommit?(offsets: readonly CommitOffset[]): void;
  /** Called for each listener, with the properties that its consumers were configured with, by Kafka's names. */
  configure?(configs: Readonly<Record<string, unknown>>): void;
}

export interface ConsumerInterceptorsOptions {
  readonly listener: string;
  readonly interceptors: readonly ConsumerInterceptor[];
  readonly counters: ContainerCounters;
  readonly logger: Logger;
}

export class ConsumerInterceptors {
  readonly #options: ConsumerInterceptorsOptions;

  constructor(options: ConsumerInterceptorsOptions) {
    this.#options = options;
  }

  onConsume(polled: readonly PartitionRecords[]): readonly PartitionRecords[] {
    let current = polled;
    for (const interceptor of this.#options.interceptors) {
      if (interceptor.onConsume === undefined) continue;
      try {
        const before = current.flatMap(({ records }) => records);
        const after = interceptor.onConsume(before);
        if (after !== before) current = inPlaces(current, after);
      } catch (error) {
        this.#failed(interceptor, 'onConsume', error);
      }
    }
    return current;
  }

  onCommit(offsets: readonly CommitOffset[]): void {
    for (const interceptor of this.#options.interceptors) {
      try {
        interceptor.onCommit?.(offsets);
      } catch (error) {
        this.#failed(interceptor, 'onCommit', error);
      }
    }
  }

  /** The first is logged, then each that makes the count ten times as large. */
  #failed(interceptor: ConsumerInterceptor, phase: 'onConsume' | 'onCommit', error: unknown): void {
    const { counters, listener, logger } = this.#options;
    const count = ++counters.interceptorErrors;
    if (!Number.isInteger(Math.log10(count))) return;
    logger.error(
      `listener '${listener}': interceptor ${classNameOf(interceptor)} failed in ${phase}` +
        `${count === 1 ? '' : ` (${count} failures by now)`}, and is passed over: ${messageOf(error)}`,
      error,
    );
  }
}

/** The partitions of a poll with other records; throws when one of these was not among them, or is out of order. */
function inPlaces(polled: readonly PartitionRecords[], records: readonly KafkaRecord[]): PartitionRecords[] {
  if (!Array.isArray(records)) throw new Error('it returned no array of records');
  const sorted = new TopicPartitionMap<KafkaRecord[]>();
  for (const record of records as readonly KafkaRecord[]) {
    sorted.getOrCreate(record.topic, record.partition, () => []).push(record);
  }
  const found = polled.map((part) => {
    const kept = sorted.get(part.topic, part.partition) ?? [];
    sorted.delete(part.topic, part.partition);
    mustBeAmong(kept, part.records);
    return { ...part, records: kept };
  });
  const [foreign] = sorted.values();
  if (foreign)
    throw new Error(`it returned a record of ${foreign[0]!.topic}-${foreign[0]!.partition}, which was not polled`);
  return found;
}

function mustBeAmong(kept: readonly KafkaRecord[], polled: readonly KafkaRecord[]): void {
  let at = 0;
  for (const { topic, partition, offset } of kept) {
    while (at < polled.length && polled[at]!.offset !== offset) at++;
    if (at++ === polled.length) {
      throw new Error(
        `it returned offset ${offset} of ${topic}-${partition}, which was not polled there or is out of order`,
      );
    }
  }
}
