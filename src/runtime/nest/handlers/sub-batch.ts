import { type KafkaRecord } from '../../../common/record.js';
import { ChangedInvocation } from '../../listener/delivery/changed-invocation.js';
import { type Acknowledgment, type InvocationContext } from '../../listener/listener-endpoint.js';

// A part of a batch, for a handler that is given only some of its records. What the handler says by index about its
// part is said about the whole batch.

export class SubBatch {
  readonly records: readonly KafkaRecord[];
  readonly context: InvocationContext;
  readonly #indexes: readonly number[];
  readonly #acknowledgment: PartAcknowledgment | undefined;

  /** @param isFront whether what follows the part is none of the handler's business: acknowledging leaves it alone */
  constructor(
    whole: readonly KafkaRecord[],
    indexes: readonly number[],
    invocation: InvocationContext,
    isFront: boolean,
  ) {
    this.records = indexes.map((index) => whole[index]!);
    this.#indexes = indexes;
    const { acknowledgment } = invocation;
    this.#acknowledgment = acknowledgment && new PartAcknowledgment(acknowledgment, indexes, isFront);
    this.context = new ChangedInvocation(invocation, this.#acknowledgment);
  }

  /** Where a record of the part stands in the whole batch. */
  indexInWhole(index: number): number {
    return this.#indexes[index] ?? index;
  }

  /** The handler gave records back. */
  get isGivenBack(): boolean {
    return this.#acknowledgment?.isGivenBack ?? false;
  }
}

class PartAcknowledgment implements Acknowledgment {
  isGivenBack = false;

  constructor(
    readonly whole: Acknowledgment,
    readonly indexes: readonly number[],
    readonly isFront: boolean,
  ) {}

  acknowledge(index?: number): Promise<void> {
    if (index !== undefined) return this.whole.acknowledge(this.indexes[index] ?? index);
    return this.isFront ? this.whole.acknowledge(this.indexes.at(-1)) : this.whole.acknowledge();
  }

  nack(indexOrSleep: number, sleepMs?: number): void {
    if (sleepMs === undefined) this.whole.nack(this.indexes[0]!, indexOrSleep);
    else this.whole.nack(this.indexes[indexOrSleep] ?? indexOrSleep, sleepMs);
    this.isGivenBack = true;
  }
}
