import { type Clock } from '../../common/clock.js';
import { type Logger } from '../../common/logger.js';
import { type LogMoment } from '../../common/seek-target.js';
import { mapOf, type TopicPartition, type TopicPartitionMap } from '../../common/topic-partition.js';
import { Wakeup } from '../../common/wakeup.js';
import {
  type AssignedPartition,
  type CommitOffset,
  type ConsumerClient,
  type ConsumerEvent,
  type PartitionRecords,
  type PauseReason,
  type RebalanceListener,
} from '../client/consumer-client.js';
import { InboxIntake } from './inbox-intake.js';
import { InboxJournal } from './inbox-journal.js';
import { type InboxPartition } from './inbox-partition.js';

// A consumer that hands out what is in the inbox, while an intake fills it from Kafka. To a container it is a consumer
// like any other; its commits go to the inbox, and its partitions stay, whoever is assigned them by the group: what
// was taken in is handled here.

export interface InboxConsumerOptions {
  /** The consumer that reads from Kafka. */
  readonly source: ConsumerClient;
  readonly folder: string;
  /** Records that may wait in the inbox before the intake does. */
  readonly maxRecords: number;
  /** Records of one poll of the intake. */
  readonly maxPollRecords: number;
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A partition is given to the container once, so its results are never stale. */
const EPOCH = 1;

export class InboxConsumer implements ConsumerClient {
  readonly #options: InboxConsumerOptions;
  readonly #journal: InboxJournal;
  readonly #intake: InboxIntake;
  readonly #wakeup = new Wakeup();
  readonly #stopping = new AbortController();
  readonly #given = new Set<InboxPartition>();
  #listener: RebalanceListener | undefined;
  #failure: { readonly error: unknown } | undefined;
  #starting: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #turn = 0;

  constructor(options: InboxConsumerOptions) {
    this.#options = options;
    this.#journal = new InboxJournal(options.folder);
    this.#intake = new InboxIntake({
      ...options,
      journal: this.#journal,
      onPartitions: (partitions) => this.#give(partitions),
      onRecords: () => this.#wakeup.wake(),
      onFailed: (error) => {
        this.#failure = { error };
        this.#wakeup.wake();
      },
    });
  }

  get clientId(): string | undefined {
    return this.#options.source.clientId;
  }

  start(listener: RebalanceListener): Promise<void> {
    this.#listener = listener;
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { logger, name } = this.#options;
    for (const damage of await this.#journal.open()) logger.error(`${name}: ${damage}`);
    const { count } = this.#journal;
    if (count > 0) logger.log(`${name}: ${count} records wait in the inbox`);
    await this.#intake.start();
  }

  async poll(options: {
    readonly maxRecords: number;
    readonly maxWaitMs: number;
    readonly signal?: AbortSignal;
  }): Promise<PartitionRecords[]> {
    const { clock } = this.#options;
    const until = clock.monotonic() + options.maxWaitMs;
    for (;;) {
      if (this.#failure) throw this.#failure.error;
      const records = await this.#take(options.maxRecords);
      const leftMs = until - clock.monotonic();
      const isOver = leftMs <= 0 || options.signal?.aborted || this.#stopping.signal.aborted;
      if (records.length > 0 || isOver) return records;
      await this.#wakeup.wait(clock, leftMs, options.signal);
    }
  }

  /** Partitions take turns at being the first to fill the poll. */
  async #take(maxRecords: number): Promise<PartitionRecords[]> {
    const ready = [...this.#given].filter((partition) => partition.hasNext);
    const taken: PartitionRecords[] = [];
    let left = maxRecords;
    for (let n = 0; n < ready.length && left > 0; n++) {
      const partition = ready[(this.#turn + n) % ready.length]!;
      const { topic, partition: number } = partition;
      const records = await this.#journal.read(partition.take(left));
      left -= records.length;
      const nextOffset = partition.position;
      taken.push({
        topic,
        partition: number,
        records,
        assignmentEpoch: EPOCH,
        nextOffset,
        highWatermark: partition.end,
      });
    }
    this.#turn += 1;
    return taken;
  }

  /** Into the inbox: Kafka's offset is committed when records come in. */
  async commit(offsets: readonly CommitOffset[]): Promise<void> {
    for (const { topic, partition, offset, metadata = '' } of offsets) {
      const own = this.#journal.get(topic, partition);
      if (own) await this.#journal.finish(own, offset, metadata);
    }
    this.#intake.roomMade();
  }

  position(topic: string, partition: number): number | undefined {
    return this.#journal.get(topic, partition)?.position;
  }

  /** Within the inbox: what is finished is not here any more, what is to come has not come yet. */
  seek(topic: string, partition: number, offset: number): void {
    this.#journal.get(topic, partition)?.seek(offset);
    this.#wakeup.wake();
  }

  pause(partitions: readonly TopicPartition[], reason: PauseReason): void {
    for (const { topic, partition } of partitions) this.#journal.get(topic, partition)?.pauses.add(reason);
  }

  resume(partitions: readonly TopicPartition[], reason: PauseReason): void {
    for (const { topic, partition } of partitions) this.#journal.get(topic, partition)?.pauses.delete(reason);
    this.#wakeup.wake();
  }

  assignment(): readonly TopicPartition[] {
    return [...this.#given];
  }

  /** Moments of the inbox: where its records begin and end, or the first one of a time. */
  async offsetsAt(partitions: readonly TopicPartition[], moment: LogMoment): Promise<TopicPartitionMap<number>> {
    return mapOf(partitions.map((tp) => [tp, offsetAt(this.#journal.get(tp.topic, tp.partition), moment)] as const));
  }

  enforceRebalance(reason: string): void {
    this.#options.source.enforceRebalance(reason);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    this.#wakeup.wake();
    await this.#intake.stop();
    await this.#starting?.catch(() => undefined);
    const given = [...this.#given];
    // The time for draining is the container's, which has drained before it stops its consumers.
    if (given.length > 0) await this.#listener?.onRevoked(given, new AbortController().signal);
    this.#given.clear();
    await this.#journal.close();
  }

  onEvent(listener: (event: ConsumerEvent) => void): void {
    this.#options.source.onEvent(listener);
  }

  /** Hands partitions to the container that it does not have yet; those that it has stay. */
  async #give(partitions: readonly InboxPartition[]): Promise<void> {
    const kept = [...this.#given].map(assigned);
    const added = partitions.filter((partition) => !this.#given.has(partition));
    for (const partition of added) this.#given.add(partition);
    await this.#listener!.onAssigned(added.map(assigned), kept);
  }
}

function assigned({ topic, partition, finished, metadata }: InboxPartition): AssignedPartition {
  return { topic, partition, assignmentEpoch: EPOCH, position: finished, metadata, source: 'committed' };
}

function offsetAt(partition: InboxPartition | undefined, moment: LogMoment): number {
  if (!partition) return 0;
  if (moment === 'beginning') return partition.finished;
  return moment === 'end' ? partition.end : partition.offsetOf(moment);
}
