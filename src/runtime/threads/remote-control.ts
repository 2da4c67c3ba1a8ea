import { NestdawError } from '../../common/errors.js';
import { knownOffset, type SeekTarget, targetMistake } from '../../common/seek-target.js';
import { partitionName, type TopicPartition } from '../../common/topic-partition.js';
import { type CommitOffset } from '../client/consumer-client.js';
import { type ConsumerDescription } from '../listener/container-description.js';
import { type CommitOptions, type CommitTarget, type ListenerConsumer } from '../listener/listener-consumer.js';
import { type PausedPartitions } from '../listener/partitions/paused-partitions.js';
import { type ConsumerRequest, type ToConsumerThread } from './consumer-messages.js';

// What user code beside the application may ask of a consumer in a thread, and tell it. Answers that cannot wait are
// what the thread told last, a quarter of a second ago at most.

export interface RemoteControlOptions {
  readonly listener: string;
  readonly groupId: string;
  readonly index: number;
  readonly status: () => ConsumerDescription;
  readonly pausedPartitions: PausedPartitions;
  readonly ask: (body: ConsumerRequest) => Promise<readonly CommitOffset[]>;
  readonly post: (message: ToConsumerThread) => void;
}

export class RemoteControl implements ListenerConsumer {
  readonly #options: RemoteControlOptions;

  constructor(options: RemoteControlOptions) {
    this.#options = options;
  }

  get listenerId(): string {
    return this.#options.listener;
  }

  get groupId(): string {
    return this.#options.groupId;
  }

  get index(): number {
    return this.#options.index;
  }

  assignment(): readonly TopicPartition[] {
    return this.#options.status().partitions.map(({ topic, partition }) => ({ topic, partition }));
  }

  position(tp: TopicPartition): number | undefined {
    return this.#find(tp)?.position;
  }

  committed(tp: TopicPartition): number | undefined {
    return this.#find(tp)?.committed;
  }

  async seek(target: SeekTarget, which?: TopicPartition | readonly TopicPartition[]): Promise<void> {
    const { ask } = this.#options;
    const mistake = targetMistake(target);
    if (mistake !== undefined) throw new NestdawError('KAFKA_CONFIG_INVALID', `seek: ${mistake}`);
    const partitions = which === undefined ? undefined : listOf(which);
    if (typeof target !== 'function') {
      await ask({ do: 'seek', target, partitions });
      return;
    }
    // Functions do not cross: they are asked here, about positions that are fresh.
    await ask({ do: 'look' });
    const offsets = (partitions ?? this.assignment()).map((tp) => ({ tp, offset: this.#resolve(tp, target) }));
    await Promise.all(offsets.map(({ tp, offset }) => ask({ do: 'seek', target: offset, partitions: [tp] })));
  }

  pause(which?: TopicPartition | readonly TopicPartition[]): void {
    const { pausedPartitions } = this.#options;
    // The change is told to every thread of the listener: the pause goes with the partition.
    for (const { topic, partition } of this.#named(which)) pausedPartitions.set(topic, partition, true);
  }

  resume(which?: TopicPartition | readonly TopicPartition[]): void {
    const { pausedPartitions } = this.#options;
    for (const { topic, partition } of this.#named(which)) pausedPartitions.delete(topic, partition);
  }

  paused(): readonly TopicPartition[] {
    return this.assignment().filter(({ topic, partition }) => this.#options.pausedPartitions.has(topic, partition));
  }

  commit(which?: CommitTarget | readonly CommitTarget[], options?: CommitOptions): Promise<readonly CommitOffset[]> {
    const targets = which === undefined || !('topic' in which) ? which : [which];
    const committed = this.#options.ask({ do: 'commit', targets, options });
    committed.catch(() => undefined);
    return committed;
  }

  enforceRebalance(): void {
    this.#options.post({ type: 'rebalance' });
  }

  #resolve(tp: TopicPartition, target: SeekTarget): number {
    const position = this.position(tp);
    if (position !== undefined) return knownOffset(target, () => position)!;
    const { index, listener } = this.#options;
    const message = `${partitionName(tp)} is not assigned to consumer ${index} of listener '${listener}'`;
    throw new NestdawError('KAFKA_REBALANCED', message);
  }

  #find({ topic, partition }: TopicPartition) {
    return this.#options.status().partitions.find((one) => one.topic === topic && one.partition === partition);
  }

  #named(which: TopicPartition | readonly TopicPartition[] | undefined): readonly TopicPartition[] {
    return which === undefined ? this.assignment() : listOf(which);
  }
}

function listOf(which: TopicPartition | readonly TopicPartition[]): readonly TopicPartition[] {
  return 'topic' in which ? [which] : which;
}
