import { type KafkaRecord } from '../../../common/record.js';
import { type WorkSource } from '../../dispatch/work-item.js';
import { type PartitionState } from '../partitions/partition-state.js';
import { Delivery, type PollBatch, weightOf } from './delivery.js';

/** Records of one partition that one poll brought, made into deliveries one by one. */
export class RecordRun implements WorkSource<Delivery> {
  /** @internal */
  next: WorkSource | null = null;
  readonly #partition: PartitionState;
  readonly #poll: PollBatch;
  readonly #records: readonly KafkaRecord[];
  #at = 0;
  #bytes = 0;

  constructor(partition: PartitionState, poll: PollBatch, records: readonly KafkaRecord[]) {
    this.#partition = partition;
    this.#poll = poll;
    this.#records = records;
    for (const record of records) this.#bytes += weightOf(record);
  }

  get remaining(): number {
    return this.#records.length - this.#at;
  }

  get bytes(): number {
    return this.#bytes;
  }

  make(): Delivery {
    // An equal share each: the budget must get back what it gave, whoever changes a record meanwhile.
    const bytes = Math.floor(this.#bytes / this.remaining);
    this.#bytes -= bytes;
    return new Delivery(this.#partition, this.#poll, this.#records[this.#at++]!, undefined, bytes);
  }
}
