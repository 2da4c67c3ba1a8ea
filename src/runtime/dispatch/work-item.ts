import { type Lane } from './lane.js';
import { type PartitionQueue } from './partition-queue.js';

// One unit of work as the dispatcher knows it. The links between units sit in the units themselves, so that queueing
// a record allocates nothing.

export type WorkState = 'new' | 'queued' | 'running' | 'suspended' | 'finished';

export class WorkItem {
  /** @internal Next of the same lane, or of the partition's free queue. */
  next: WorkItem | null = null;
  /** @internal Undefined for a record that needs no order. */
  lane: Lane | undefined = undefined;
  /** @internal */
  state: WorkState = 'new';
  readonly queue: PartitionQueue;
  readonly key: Buffer | null;
  /** How many records it stands for, and their size. */
  readonly records: number;
  readonly bytes: number;

  constructor(queue: PartitionQueue, key: Buffer | null, records: number, bytes: number) {
    this.queue = queue;
    this.key = key;
    this.records = records;
    this.bytes = bytes;
  }
}
