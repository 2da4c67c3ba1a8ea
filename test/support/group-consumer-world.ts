import { type TopicPartition } from '../../src/common/topic-partition.js';
import { type ConsumerOptions } from '../../src/runtime/client/consumer/consumer-options.js';
import { GroupConsumer } from '../../src/runtime/client/consumer/group-consumer.js';
import {
  type AssignedPartition,
  type ConsumerEvent,
  type PartitionRecords,
  type RebalanceListener,
} from '../../src/runtime/client/consumer-client.js';
import { ManualClock } from './manual-clock.js';
import { ScriptedGroup } from './scripted-group.js';

// One consumer in a group that a script plays, on a clock that the test moves, and what its listener was told.

export class GroupConsumerWorld {
  readonly clock = new ManualClock();
  group = new ScriptedGroup({ orders: 2 }, this.clock);
  readonly listener = new Recorder();
  readonly events: ConsumerEvent[] = [];
  readonly warnings: string[] = [];
  consumer!: GroupConsumer;

  make(options: Partial<ConsumerOptions> = {}): GroupConsumer {
    this.consumer = new GroupConsumer({
      groupId: 'billing',
      topics: ['orders'],
      createCluster: this.group.script.open,
      autoOffsetReset: 'earliest',
      random: { next: () => 0.5, bytes: (length) => Buffer.alloc(length) },
      logger: {
        log: () => undefined,
        warn: (text) => this.warnings.push(text),
        error: (text) => this.warnings.push(text),
      },
      clock: this.clock,
      ...options,
    });
    this.consumer.onEvent((event) => this.events.push(event));
    return this.consumer;
  }

  async start(options: Partial<ConsumerOptions> = {}): Promise<GroupConsumer> {
    await this.settled(this.make(options).start(this.listener));
    return this.consumer;
  }

  /** Moves the clock until the promise settles. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    void promise.catch(() => undefined).finally(done);
    for (let i = 0; i < 2_000 && !isDone; i++) await this.clock.advance(10);
    return promise;
  }

  poll(maxRecords = 500): Promise<PartitionRecords[]> {
    return this.settled(this.consumer.poll({ maxRecords, maxWaitMs: 1_000 }));
  }

  /** Stops the consumer; a timer that outlives it is a leak. */
  async close(): Promise<void> {
    await this.settled(this.consumer.stop());
    const left = this.clock.pending - this.group.parked;
    if (left > 0) throw new Error(`${left} timers left behind`);
  }
}

class Recorder implements RebalanceListener {
  readonly log: string[] = [];
  added: readonly AssignedPartition[] = [];
  kept: readonly AssignedPartition[] = [];
  assigning: (added: readonly AssignedPartition[]) => void | Promise<void> = () => undefined;
  revoking: (deadline: AbortSignal) => void | Promise<void> = () => undefined;

  async onAssigned(added: readonly AssignedPartition[], kept: readonly AssignedPartition[]): Promise<void> {
    this.log.push(`assigned ${names(added)} kept ${names(kept)}`);
    this.added = added;
    this.kept = kept;
    await this.assigning(added);
  }

  async onRevoked(partitions: readonly TopicPartition[], deadline: AbortSignal): Promise<void> {
    this.log.push(`revoked ${names(partitions)}`);
    await this.revoking(deadline);
    this.log.push('drained');
  }

  onLost(partitions: readonly TopicPartition[]): void {
    this.log.push(`lost ${names(partitions)}`);
  }
}

function names(partitions: readonly TopicPartition[]): string {
  return partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(',') || 'none';
}

export function values(polled: readonly PartitionRecords[]): string[] {
  return polled.flatMap(({ records }) => records.map(({ value }) => value!.toString()));
}
