import { type KafkaRecord } from '../../../common/record.js';

// How often records have run longer than max.poll.interval.ms. Kept apart from their deliveries: a record that made its
// member leave the group comes back as a new one. Few are kept, the newest.

const MOST = 200;

export class SlowRecords {
  readonly #counts = new Map<string, number>();

  /** Once more; how often by now. */
  note(record: KafkaRecord): number {
    const name = nameOf(record);
    const count = this.of(record) + 1;
    this.#counts.delete(name);
    this.#counts.set(name, count);
    if (this.#counts.size > MOST) this.#counts.delete(this.#counts.keys().next().value!);
    return count;
  }

  of(record: KafkaRecord): number {
    return this.#counts.size === 0 ? 0 : (this.#counts.get(nameOf(record)) ?? 0);
  }

  /** What becomes of it is decided. */
  forget(record: KafkaRecord): void {
    if (this.#counts.size > 0) this.#counts.delete(nameOf(record));
  }
}

function nameOf({ topic, partition, offset }: KafkaRecord): string {
  return `${topic}-${partition}@${offset}`;
}
