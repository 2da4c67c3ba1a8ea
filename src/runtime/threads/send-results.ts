import { type DeliverySink } from '../client/producer-client.js';
import { toPlainError } from './plain-error.js';
import { type SendFailure, type SendResultPack } from './producer-messages.js';

// How sends of a thread ended, collected until the message goes; in the thread, told to those who wait.

/** Numbers of each record, and in front of the records of a partition. */
const OF_RECORD = 3;
const OF_PARTITION = 3;

export class SendResults {
  #topics: string[] = [];
  #numbers: number[] = [];
  readonly #failures = new Map<Error, number[]>();
  #topic: string | undefined;
  #partition = -1;
  /** Where the count of the partition's records stands. */
  #count = 0;

  get isEmpty(): boolean {
    return this.#numbers.length === 0 && this.#failures.size === 0;
  }

  stored(slot: number, topic: string, partition: number, offset: number, timestamp: number): void {
    if (topic !== this.#topic || partition !== this.#partition) this.#begin(topic, partition);
    this.#numbers.push(slot, offset, timestamp);
    this.#numbers[this.#count]!++;
  }

  failed(slot: number, error: Error): void {
    const slots = this.#failures.get(error);
    if (slots) slots.push(slot);
    else this.#failures.set(error, [slot]);
  }

  takeStored(): SendResultPack | undefined {
    if (this.#numbers.length === 0) return undefined;
    const pack = { topics: this.#topics, numbers: new Float64Array(this.#numbers) };
    this.#topics = [];
    this.#numbers = [];
    this.#topic = undefined;
    return pack;
  }

  takeFailures(): SendFailure[] {
    const failures = [...this.#failures].map(([error, slots]) => ({ error: toPlainError(error), slots }));
    this.#failures.clear();
    return failures;
  }

  #begin(topic: string, partition: number): void {
    let index = this.#topics.indexOf(topic);
    if (index < 0) index = this.#topics.push(topic) - 1;
    this.#count = this.#numbers.push(index, partition, 0) - 1;
    this.#topic = topic;
    this.#partition = partition;
  }
}

/** Tells each record's sink; `sinkAt` gives it, and frees its slot. */
export function tellStored({ topics, numbers }: SendResultPack, sinkAt: (slot: number) => DeliverySink): void {
  for (let at = 0; at < numbers.length; ) {
    const topic = topics[numbers[at]!]!;
    const partition = numbers[at + 1]!;
    const end = at + OF_PARTITION + numbers[at + 2]! * OF_RECORD;
    for (at += OF_PARTITION; at < end; at += OF_RECORD) {
      sinkAt(numbers[at]!).stored(topic, partition, numbers[at + 1]!, 1, numbers[at + 2]!);
    }
  }
}
