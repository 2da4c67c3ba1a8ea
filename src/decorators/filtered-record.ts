import { type RecordHeader } from '../common/record.js';

/** A record as filters see it: bytes, not converted. */
export interface FilteredRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}
