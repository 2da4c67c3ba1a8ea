import { type Logger } from '../../common/logger.js';
import { type KafkaRecord } from '../../common/record.js';
import { TopicPartitionMap } from '../../common/topic-partition.js';
import { type SequenceFinding, SequenceTracker } from './sequence-tracker.js';

// Looks at the sequence ids of a listener's records as they arrive, before anybody handles them in another order.

/** What was found, and in which record. */
export interface SequenceReport {
  readonly record: KafkaRecord;
  readonly finding: SequenceFinding;
}

/** What was found since the start. */
export interface SequenceCounts {
  /** Numbers that are missing now. */
  readonly missing: number;
  readonly duplicates: number;
  readonly reordered: number;
}

export interface SequenceGuardOptions {
  readonly listener: string;
  /** Header of the sequence id, `<producer>:<number>`. */
  readonly header: string;
  readonly logger: Logger;
}

export class SequenceGuard {
  readonly #options: SequenceGuardOptions;
  readonly #trackers = new TopicPartitionMap<SequenceTracker>();
  #duplicates = 0;
  #reordered = 0;

  constructor(options: SequenceGuardOptions) {
    this.#options = options;
  }

  get counts(): SequenceCounts {
    let missing = 0;
    for (const tracker of this.#trackers.values()) missing += tracker.missing;
    return { missing, duplicates: this.#duplicates, reordered: this.#reordered };
  }

  /** Records of a poll, in their order. Those without a sequence id are none of its business. */
  arrived(records: readonly KafkaRecord[]): readonly SequenceReport[] {
    const reports: SequenceReport[] = [];
    for (const record of records) {
      const id = sequenceOf(record, this.#options.header);
      if (id === undefined) continue;
      const { topic, partition, offset } = record;
      const tracker = this.#trackers.getOrCreate(topic, partition, () => new SequenceTracker());
      const finding = tracker.arrived(offset, id.producer, id.number);
      if (finding === undefined) continue;
      this.#count(record, finding);
      reports.push({ record, finding });
    }
    return reports;
  }

  /** A partition was given up: whoever has it next begins anew. */
  forgotten(topic: string, partition: number): void {
    this.#trackers.delete(topic, partition);
  }

  #count({ topic, partition, offset }: KafkaRecord, finding: SequenceFinding): void {
    if (finding.kind === 'duplicate') this.#duplicates++;
    if (finding.kind === 'reordered') this.#reordered++;
    const { listener, logger } = this.#options;
    const where = `listener '${listener}': ${topic}-${partition} offset ${offset}, producer ${finding.producer}`;
    if (finding.kind === 'missing') {
      const what =
        finding.to - finding.from === 1
          ? `number ${finding.from} is`
          : `numbers ${finding.from} to ${finding.to - 1} are`;
      logger.warn(`${where}: ${what} missing before ${finding.to}`);
    } else if (finding.kind === 'duplicate') logger.warn(`${where}: number ${finding.number} came before`);
    else logger.warn(`${where}: number ${finding.number} comes late, out of its order`);
  }
}

function sequenceOf({ headers }: KafkaRecord, name: string): { producer: string; number: number } | undefined {
  for (let at = headers.length - 1; at >= 0; at--) {
    const { key, value } = headers[at]!;
    if (key !== name) continue;
    const match = /^(.{1,200}):(\d{1,16})$/.exec(value?.toString() ?? '');
    return match === null ? undefined : { producer: match[1]!, number: Number(match[2]) };
  }
  return undefined;
}
