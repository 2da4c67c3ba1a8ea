import { type Random, randomUuid } from '../../../common/random.js';
import { NO_HEADERS, type OutgoingRecord } from '../../../common/record.js';
import { TopicPartitionMap } from '../../../common/topic-partition.js';

// Headers by which the receiving side tells messages apart (a message id) and sees loss and reordering (a sequence id:
// the producer and a number that grows by one with each record of a partition).

export interface StampNames {
  /** Header of message ids; undefined: none are stamped. */
  readonly messageId: string | undefined;
  /** Header of sequence ids. */
  readonly sequenceId: string | undefined;
}

/** Digits of a number, so that a record's size is known before its partition is. */
const DIGITS = 12;

export class RecordStamps {
  readonly #names: StampNames;
  readonly #random: Random;
  readonly #producer: string;
  readonly #numbers = new TopicPartitionMap<{ next: number }>();

  /** Undefined when nothing is to be stamped. */
  static of(names: StampNames, random: Random): RecordStamps | undefined {
    if (names.messageId === undefined && names.sequenceId === undefined) return undefined;
    return new RecordStamps(names, random);
  }

  private constructor(names: StampNames, random: Random) {
    this.#names = names;
    this.#random = random;
    this.#producer = random.bytes(8).toString('hex');
  }

  /** The record with its stamps; the number of its sequence id is still empty. An id that it has already stays. */
  stamped(record: OutgoingRecord): OutgoingRecord {
    const { messageId, sequenceId } = this.#names;
    const headers = [...(record.headers ?? NO_HEADERS)];
    if (messageId !== undefined && !headers.some(({ key }) => key === messageId)) {
      headers.push({ key: messageId, value: Buffer.from(randomUuid(this.#random)) });
    }
    if (sequenceId !== undefined) {
      headers.push({ key: sequenceId, value: Buffer.from(`${this.#producer}:${'0'.repeat(DIGITS)}`) });
    }
    return { ...record, headers };
  }

  /** Fills the number in, in the order in which records of a partition are appended. */
  number(topic: string, partition: number, { headers }: OutgoingRecord): void {
    if (this.#names.sequenceId === undefined) return;
    const counter = this.#numbers.getOrCreate(topic, partition, () => ({ next: 0 }));
    headers!.at(-1)!.value!.write(String(counter.next++).padStart(DIGITS, '0'), this.#producer.length + 1, 'latin1');
  }
}
