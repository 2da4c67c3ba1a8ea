import { type KafkaRecord } from '../../../common/record.js';

// Who looks at records as they arrive, or keeps account of them beside their offsets.

/** Something about the order of records, found as they arrive: in which record, and what. */
export interface ArrivalReport {
  readonly record: KafkaRecord;
  readonly finding: { readonly kind: 'missing' | 'duplicate' | 'reordered'; readonly producer: string };
}

/** Looks at records of every kind of listener as they arrive. */
export interface ArrivalWatch {
  arrived(records: readonly KafkaRecord[]): readonly ArrivalReport[];
  forgotten(topic: string, partition: number): void;
}

/** Keeps account of records beside their offsets. */
export interface RecordKeeper {
  /** Records of one poll that will be handled one by one, before the first of them is. */
  received(records: readonly KafkaRecord[]): void;
  /** A partition was given up: records of it that have not begun will not be handled here. */
  forgotten(topic: string, partition: number): void;
  /**
   * Awaited before offsets are committed; a rejection keeps them from being. Undefined: there is nothing to wait for.
   */
  saved(): Promise<void> | undefined;
}
