import { type Clock } from '../../common/clock.js';
import { messageOf, NestdawError } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type Random, systemRandom } from '../../common/random.js';
import { type KafkaRecord, type RecordHeader } from '../../common/record.js';
import { partitionName, TopicPartitionMap } from '../../common/topic-partition.js';
import { failureHeaders } from '../dead-letters/failure-headers.js';
import { lastHeader, longBytes, numberHeader } from '../dead-letters/header-bytes.js';
import { RETRY_TOPIC_HEADERS } from '../dead-letters/header-names.js';
import { type RecordSender } from '../dead-letters/record-sender.js';
import { type Admission } from '../listener/delivery/admission.js';
import { type RecordPassage } from '../listener/delivery/record-passage.js';
import { type FailureDecision } from '../listener/failures/error-handler.js';
import { type Failure } from '../listener/failures/failure.js';
import { type ListenerConsumer } from '../listener/listener-consumer.js';
import { type KafkaRebalanceListener, type PartitionPosition } from '../listener/partitions/rebalance-callbacks.js';
import { type DestinationTopic } from './destination-topics.js';
import { KeyLanes } from './key-lanes.js';
import { jittered } from './retry-delays.js';
import { attemptOf, dueAtOf, firstTimestampOf, writeBookkeeping } from './retry-headers.js';
import { type RetryPlan } from './retry-rules.js';

// Retries that keep the order of keys. One retry topic, the lane, is read by the consumer that reads the same partition
// of the main topic, so that one place knows which keys wait. A record that fails goes to the lane, and as long as it
// is there, later records of its key follow it. In the lane a record is tried in its place: it blocks its key alone.
//
// A tried record stays where it is, so its count is written behind it, as a record without a value that names its
// offset. After a restart the lane is read to its end before anything runs: which keys wait, and what was tried.

/** On a note in the lane: offset of the record whose delivery failed. */
export const LANE_NOTE = 'nestdaw_retry-note-of';

/** Reads a partition from an offset to where it ends now. */
export type PartitionScan = (
  partition: { readonly topic: string; readonly partition: number },
  from: number,
  visit: (record: KafkaRecord) => void,
) => Promise<void>;

export interface OrderedRetriesOptions {
  readonly plan: RetryPlan;
  /** The one retry stop. */
  readonly lane: DestinationTopic;
  readonly sender: RecordSender;
  readonly scan: PartitionScan;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random?: Random;
}

interface Note {
  readonly attempt: number;
  readonly dueAt: number;
}

/** What is known of one partition of the main topic and its lane. */
interface LaneState {
  readonly keys: KeyLanes;
  /** Deliveries that records of the lane had, where it is more than their headers say. */
  readonly notes: Map<number, Note>;
}

export class OrderedRetries implements RecordPassage, KafkaRebalanceListener {
  /** The lane is read to its end, however long its brokers are away. */
  readonly isPatient = true;
  readonly #options: OrderedRetriesOptions;
  readonly #random: Random;
  /** By the main topic's partition. */
  readonly #lanes = new TopicPartitionMap<LaneState>();

  constructor(options: OrderedRetriesOptions) {
    this.#options = options;
    this.#random = options.random ?? systemRandom;
  }

  /** Keys and records that wait in the lanes of this process. */
  get waiting(): { readonly keys: number; readonly records: number } {
    let [keys, records] = [0, 0];
    for (const lane of this.#lanes.values()) {
      keys += lane.keys.size.keys;
      records += lane.keys.size.records;
    }
    return { keys, records };
  }

  readonly admit = (record: KafkaRecord): Admission | undefined => {
    const lane = this.#laneOf(record);
    if (!this.#isInLane(record)) {
      if (record.key === null || !lane?.keys.mustFollow(keyOf(record.key)!)) return undefined;
      return { action: 'hand-over', recoverer: { recover: () => this.#follow(record) } };
    }
    if (isNote(record)) return { action: 'skip' };
    const until = lane?.notes.get(record.offset)?.dueAt ?? dueAtOf(record);
    return until === undefined ? undefined : { action: 'wait', until };
  };

  readonly decide = (failure: Failure): FailureDecision => {
    const { plan, lane, clock } = this.#options;
    const { record, error } = failure;
    const isInLane = this.#isInLane(record);
    const attempt = this.#attemptOf(failure);
    const stop = isInLane ? lane : plan.main;
    const next = plan.next({ stop, attempt, error, ageMs: clock.now() - firstTimestampOf(record) });
    if (next === undefined) return { action: 'skip', policy: 'NO_DLT' };
    if (next.kind === 'dlt') return this.#deadLetter(failure, next, attempt);
    const delayMs = jittered(plan.rules.delaysMs[attempt - 1] ?? 0, plan.rules.backOff, this.#random);
    const dueAt = clock.now() + delayMs;
    if (isInLane) {
      this.#note(record, { attempt: attempt + 1, dueAt });
      return { action: 'retry', delayMs };
    }
    const headers = this.#storyOf(failure, attempt + 1, dueAt);
    const description = `sent to ${record.topic}${lane.suffix}, due in ${delayMs} ms; its key waits`;
    const recoverer = { recover: () => this.#toLane(record, headers), description };
    return { action: 'recover', recoverer, isRetriedThere: true };
  };

  received(record: KafkaRecord): void {
    if (this.#isInLane(record)) this.#laneOf(record)?.keys.received(waitingKeyOf(record), record.offset);
  }

  finished(record: KafkaRecord): void {
    if (!this.#isInLane(record)) return;
    const lane = this.#laneOf(record);
    lane?.keys.finished(waitingKeyOf(record));
    lane?.notes.delete(record.offset);
  }

  async onPartitionsAssigned(partitions: readonly PartitionPosition[], consumer: ListenerConsumer): Promise<void> {
    const { suffix } = this.#options.lane;
    const mains = partitions.filter(({ topic }) => !topic.endsWith(suffix));
    for (const { topic, partition, source } of partitions) {
      // What waits there was acknowledged to somebody: a new group that begins at the end would lose it.
      if (topic.endsWith(suffix) && source === 'reset') await consumer.seek('beginning', { topic, partition });
    }
    await Promise.all(mains.map(({ topic, partition }) => this.#open(topic, partition, consumer)));
  }

  onPartitionsLost(partitions: ReadonlyArray<{ topic: string; partition: number }>): void {
    for (const { topic, partition } of partitions) this.#lanes.delete(topic, partition);
  }

  async #open(topic: string, partition: number, consumer: ListenerConsumer): Promise<void> {
    const { lane, scan } = this.#options;
    const place = { topic: `${topic}${lane.suffix}`, partition };
    const position = consumer.position(place);
    if (position === undefined) {
      const message =
        `${partitionName({ topic, partition })} and ${partitionName(place)} were not assigned to the same consumer, ` +
        "which order: 'key' of @RetryableTopic needs: both topics need as many partitions, and all members of the " +
        'group the range assignor and this listener';
      throw new NestdawError('KAFKA_CONFIG_INVALID', message);
    }
    const state: LaneState = { keys: new KeyLanes(position), notes: new Map() };
    await scan(place, position, (record) => scanned(state, record));
    this.#lanes.set(topic, partition, state);
  }

  #isInLane({ topic }: KafkaRecord): boolean {
    return topic.endsWith(this.#options.lane.suffix);
  }

  #laneOf({ topic, partition }: KafkaRecord): LaneState | undefined {
    const { suffix } = this.#options.lane;
    return this.#lanes.get(topic.endsWith(suffix) ? topic.slice(0, -suffix.length) : topic, partition);
  }

  /** Deliveries so far, this one included: those its headers tell, those that were noted, those since the start. */
  #attemptOf({ record, attempt }: Failure): number {
    const noted = this.#isInLane(record) ? this.#laneOf(record)?.notes.get(record.offset) : undefined;
    return (noted?.attempt ?? attemptOf(record)) + attempt - 1;
  }

  #storyOf(failure: Failure, attempt: number, dueAt: number): RecordHeader[] {
    const headers = failureHeaders(failure, { names: RETRY_TOPIC_HEADERS, appendOriginalHeaders: false });
    writeBookkeeping(headers, { attempt, dueAt, firstTimestamp: firstTimestampOf(failure.record) });
    return headers;
  }

  /** Behind its key: nothing is wrong with it, and it is due at once when its turn comes. */
  #follow(record: KafkaRecord): Promise<void> {
    const headers = [...record.headers];
    const firstTimestamp = firstTimestampOf(record);
    writeBookkeeping(headers, { attempt: attemptOf(record), dueAt: this.#options.clock.now(), firstTimestamp });
    return this.#toLane(record, headers);
  }

  async #toLane(record: KafkaRecord, headers: readonly RecordHeader[]): Promise<void> {
    const { sender, lane } = this.#options;
    const keys = this.#laneOf(record)?.keys;
    const key = keyOf(record.key);
    // Counted before anything is awaited: the next record of the key is asked about in this very turn.
    keys?.sent(key);
    try {
      const outgoing = { key: record.key, value: record.value, headers };
      const { offset } = await sender.sendBytes(`${record.topic}${lane.suffix}`, record.partition, outgoing);
      keys?.acknowledged(key, offset);
    } catch (error) {
      keys?.refused(key);
      throw error;
    }
  }

  #deadLetter(failure: Failure, next: DestinationTopic, attempt: number): FailureDecision {
    const { sender, clock, lane } = this.#options;
    const { record } = failure;
    const main = this.#isInLane(record) ? record.topic.slice(0, -lane.suffix.length) : record.topic;
    const topic = `${main}${next.suffix}`;
    const headers = this.#storyOf(failure, attempt + 1, clock.now());
    const recover = async () => {
      const count = await sender.partitionsFor(topic);
      const partition = record.partition < count ? record.partition : undefined;
      await sender.sendBytes(topic, partition, { key: record.key, value: record.value, headers });
    };
    return { action: 'recover', recoverer: { recover, description: `sent to ${topic}` } };
  }

  /**
   * Written behind the record, so that a restart goes on counting. Lost, it costs deliveries more than were asked for.
   */
  #note(record: KafkaRecord, { attempt, dueAt }: Note): void {
    const { sender, logger } = this.#options;
    const headers: RecordHeader[] = [{ key: LANE_NOTE, value: longBytes(record.offset) }];
    writeBookkeeping(headers, { attempt, dueAt, firstTimestamp: firstTimestampOf(record) });
    sender
      .sendBytes(record.topic, record.partition, { key: record.key, value: null, headers })
      .catch((error: unknown) => {
        const where = `${partitionName(record)} offset ${record.offset}`;
        logger.warn(`delivery ${attempt - 1} of ${where} could not be noted: ${messageOf(error)}`, error);
      });
  }
}

function scanned({ keys, notes }: LaneState, record: KafkaRecord): void {
  keys.scanned(waitingKeyOf(record), record.offset);
  const of = numberHeader(record, LANE_NOTE);
  const dueAt = dueAtOf(record);
  if (of !== undefined && dueAt !== undefined) notes.set(of, { attempt: attemptOf(record), dueAt });
}

function isNote(record: KafkaRecord): boolean {
  return record.value === null && lastHeader(record, LANE_NOTE) !== undefined;
}

/** A note keeps nobody waiting. */
function waitingKeyOf(record: KafkaRecord): string | null {
  return isNote(record) ? null : keyOf(record.key);
}

/** Bytes as text of one character each: equal for equal keys only. */
function keyOf(key: Buffer | null): string | null {
  return key === null ? null : key.toString('latin1');
}
