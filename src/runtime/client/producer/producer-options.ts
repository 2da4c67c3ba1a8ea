import { NestdawError } from '../../../common/errors.js';
import { type CompressionType } from '../../../protocol/compression.js';
import { type Acks } from '../producer-client.js';
import { type KafkaPartitioner, type KeylessPartitioning } from './partitioner.js';

// The producer's settings under Kafka's names, with the defaults of the Java client.

export interface ProducerOptions {
  /** Default -1 (all). */
  readonly acks?: Acks;
  /** No duplicates and no reordering by retries. Default true where `acks` is -1. */
  readonly enableIdempotence?: boolean;
  /** Bytes that a batch is filled to. Default 16,384. */
  readonly batchSize?: number;
  /** Ms that a batch waits for more records. 0 sends what one turn of the event loop gave. Default 5. */
  readonly lingerMs?: number;
  /** Bytes of unacknowledged records; beyond it `send` waits. Default 33,554,432. */
  readonly bufferMemory?: number;
  /** Ms that `send` waits for metadata or memory. Default 60,000. */
  readonly maxBlockMs?: number;
  /** Ms from `send` to acknowledgment, all attempts together. Default 120,000. */
  readonly deliveryTimeoutMs?: number;
  /** Ms that one attempt may take. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** Attempts after the first. Default 2,147,483,647: `deliveryTimeoutMs` is the limit. */
  readonly retries?: number;
  /** Ms before the first retry; doubles from one to the next. Default 100. */
  readonly retryBackoffMs?: number;
  /** Default 1,000. */
  readonly retryBackoffMaxMs?: number;
  /** Unanswered requests per node. Default 5, which is also the most that idempotence allows. */
  readonly maxInFlightRequestsPerConnection?: number;
  /** Bytes of one request, and thereby of one record. Default 1,048,576. */
  readonly maxRequestSize?: number;
  /** Default `none`. */
  readonly compressionType?: CompressionType;
  /** For gzip and zstd. */
  readonly compressionLevel?: number;
  /** Whether keys do not decide the partition. Default false. */
  readonly partitionerIgnoreKeys?: boolean;
  /** Ms after which the broker aborts a transaction that is still open. Default 60,000. */
  readonly transactionTimeoutMs?: number;
  /** Where records without a key go. Default `sticky`. */
  readonly nullKeyPartitioning?: KeylessPartitioning;
  /** Whether partitions of slow brokers get fewer records without a key. Default true. */
  readonly adaptivePartitioning?: boolean;
  /** Ms after which partitions of a broker that takes nothing get no such records; 0 (default): never. */
  readonly partitionerAvailabilityTimeoutMs?: number;
  /** Chooses partitions instead of all that. */
  readonly partitioner?: KafkaPartitioner;
  /**
   * After a record is finally lost: `continue` takes the next ones, `stop` refuses what would overtake it. Needs
   * `enableIdempotence`, or one request in flight. Default `continue`.
   */
  readonly onDeliveryFailure?: 'continue' | 'stop';
  /** Header that each record gets an id of its own in, unless it has one. Default: none. */
  readonly messageIdHeader?: string | undefined;
  /** Header that says which record of its producer and partition it is, `<producer>:<number>`. Default: none. */
  readonly sequenceIdHeader?: string | undefined;
  /** Ms after which partitions are counted anew. Default 300,000. */
  readonly metadataMaxAgeMs?: number;
  /** Ms that `stop` waits for what is not acknowledged; then it is rejected. Default: as long as each may take. */
  readonly closeTimeoutMs?: number | undefined;
}

type Optional = 'compressionLevel' | 'partitioner' | 'messageIdHeader' | 'sequenceIdHeader' | 'closeTimeoutMs';
export type ProducerSettings = Required<Omit<ProducerOptions, Optional>> & Pick<ProducerOptions, Optional>;

const MAX_INT = 0x7fff_ffff;
/** A broker remembers this many batches per producer and partition; a sixth unsettled one could not be told apart. */
export const MAX_UNSETTLED_BATCHES = 5;

const DEFAULTS = {
  acks: -1,
  batchSize: 16_384,
  lingerMs: 5,
  bufferMemory: 33_554_432,
  maxBlockMs: 60_000,
  deliveryTimeoutMs: 120_000,
  requestTimeoutMs: 30_000,
  retries: MAX_INT,
  retryBackoffMs: 100,
  retryBackoffMaxMs: 1000,
  maxInFlightRequestsPerConnection: MAX_UNSETTLED_BATCHES,
  maxRequestSize: 1_048_576,
  compressionType: 'none',
  partitionerIgnoreKeys: false,
  nullKeyPartitioning: 'sticky',
  transactionTimeoutMs: 60_000,
  adaptivePartitioning: true,
  partitionerAvailabilityTimeoutMs: 0,
  onDeliveryFailure: 'continue',
  metadataMaxAgeMs: 300_000,
} as const satisfies ProducerOptions;

/** Fills in the defaults. Throws KAFKA_CONFIG_INVALID listing everything that does not fit together. */
export function producerSettings(options: ProducerOptions): ProducerSettings {
  const { compressionLevel, partitioner, messageIdHeader, sequenceIdHeader, closeTimeoutMs, ...given } = options;
  const merged = { ...DEFAULTS, ...withoutUndefined(given) };
  const conflicts = idempotenceConflicts(merged);
  const settings: ProducerSettings = {
    ...merged,
    // As in the Java client: the default gives way to the other settings, an explicit `true` does not.
    enableIdempotence: options.enableIdempotence ?? conflicts.length === 0,
    ...(compressionLevel === undefined ? {} : { compressionLevel }),
    ...(partitioner === undefined ? {} : { partitioner }),
    messageIdHeader,
    sequenceIdHeader,
    closeTimeoutMs,
  };
  const mistakes = [...outOfRange(settings), ...(options.enableIdempotence === true ? conflicts : [])];
  if (settings.deliveryTimeoutMs < settings.lingerMs + settings.requestTimeoutMs) {
    mistakes.push(
      `delivery.timeout.ms (${settings.deliveryTimeoutMs}) must be at least linger.ms + request.timeout.ms (${settings.lingerMs + settings.requestTimeoutMs})`,
    );
  }
  if (
    settings.onDeliveryFailure === 'stop' &&
    !settings.enableIdempotence &&
    settings.maxInFlightRequestsPerConnection > 1
  ) {
    mistakes.push(
      `onDeliveryFailure stop needs enable.idempotence, or max.in.flight.requests.per.connection=1 instead of ${settings.maxInFlightRequestsPerConnection}: else a later request overtakes one that fails`,
    );
  }
  if (mistakes.length > 0) {
    throw new NestdawError('KAFKA_CONFIG_INVALID', `the producer's settings do not fit: ${mistakes.join('; ')}`);
  }
  return settings;
}

type Merged = Pick<ProducerSettings, 'acks' | 'maxInFlightRequestsPerConnection' | 'retries'>;

function idempotenceConflicts(settings: Merged): string[] {
  const { acks, maxInFlightRequestsPerConnection: inFlight, retries } = settings;
  const conflicts: string[] = [];
  if (acks !== -1) conflicts.push(`enable.idempotence needs acks=all, not ${acks}`);
  if (inFlight > MAX_UNSETTLED_BATCHES) {
    conflicts.push(`enable.idempotence needs max.in.flight.requests.per.connection of at most 5, not ${inFlight}`);
  }
  if (retries === 0) conflicts.push('enable.idempotence needs retries above 0');
  return conflicts;
}

function outOfRange(settings: ProducerSettings): string[] {
  const lowest: ReadonlyArray<readonly [key: string, value: number, min: number]> = [
    ['batch.size', settings.batchSize, 0],
    ['linger.ms', settings.lingerMs, 0],
    ['buffer.memory', settings.bufferMemory, 0],
    ['max.block.ms', settings.maxBlockMs, 0],
    ['delivery.timeout.ms', settings.deliveryTimeoutMs, 0],
    ['request.timeout.ms', settings.requestTimeoutMs, 0],
    ['retries', settings.retries, 0],
    ['retry.backoff.ms', settings.retryBackoffMs, 0],
    ['retry.backoff.max.ms', settings.retryBackoffMaxMs, 0],
    ['max.in.flight.requests.per.connection', settings.maxInFlightRequestsPerConnection, 1],
    ['max.request.size', settings.maxRequestSize, 0],
    ['transaction.timeout.ms', settings.transactionTimeoutMs, 1],
    ['partitioner.availability.timeout.ms', settings.partitionerAvailabilityTimeoutMs, 0],
    ['metadata.max.age.ms', settings.metadataMaxAgeMs, 0],
  ];
  return lowest
    .filter(([, value, min]) => !(value >= min))
    .map(([key, value, min]) => `${key} must be ${min} or more, not ${value}`);
}

function withoutUndefined<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
