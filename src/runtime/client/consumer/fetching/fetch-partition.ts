import { type KafkaRecord } from '../../../../common/record.js';
import { type PartitionRecords, type PauseReason } from '../../consumer-client.js';
import { type FetchedChunk } from './fetched-chunk.js';

// One assigned partition as the fetcher sees it: where reading stands, what is fetched already, who wants it paused.
//
//   position ──── buffered ────▶ fetchOffset ──── in the log ────▶ highWatermark

/** A request under way that asks for the partition; an answer to any other request is stale. */
export type Covering = object;

export class FetchPartition {
  /** Next offset to be asked for: the end of what is buffered. */
  fetchOffset: number;
  highWatermark = -1;
  covering: Covering | undefined;
  /** Not to be asked for before this moment of the monotonic clock. */
  notBefore = 0;
  failures = 0;
  /** What `poll` must throw before anything else of this partition. */
  error: unknown;
  /** Whether the position is being looked up because the log does not hold it. */
  isResetting = false;
  readonly pauses = new Set<PauseReason>();
  #position: number;
  #chunks: FetchedChunk[] = [];
  /** Records of a batch that was larger than a poll. */
  #rest: KafkaRecord[] = [];
  #restAt = 0;
  #restEnd = 0;
  #restBytes = 0;
  #bufferedBytes = 0;

  constructor(
    readonly topic: string,
    readonly partition: number,
    public assignmentEpoch: number,
    position: number,
    readonly checkCrcs: boolean,
    readonly release: (chunk: FetchedChunk) => void,
  ) {
    this.#position = position;
    this.fetchOffset = position;
  }

  get position(): number {
    return this.#position;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  get isPaused(): boolean {
    return this.pauses.size > 0;
  }

  get isReady(): boolean {
    return (this.#bufferedBytes > 0 || this.error !== undefined) && this.pauses.size === 0;
  }

  add(chunk: FetchedChunk): void {
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.remainingBytes;
    this.fetchOffset = chunk.endOffset(this.fetchOffset);
  }

  /** Moves the position and drops what is buffered; answers under way become stale. */
  seek(offset: number): void {
    this.drop();
    this.#position = offset;
    this.fetchOffset = offset;
    this.error = undefined;
    this.isResetting = false;
    this.notBefore = 0;
  }

  /** Drops what is buffered: it will be asked for again from the position. */
  drop(): void {
    for (const chunk of this.#chunks) this.release(chunk);
    this.#chunks = [];
    this.#rest = [];
    this.#restAt = 0;
    this.#restBytes = 0;
    this.#bufferedBytes = 0;
    this.covering = undefined;
    this.fetchOffset = this.#position;
  }

  /** Hands over at most `maxRecords`; undefined when the position did not move. A bad batch leaves `error` behind. */
  take(maxRecords: number): PartitionRecords | undefined {
    const before = this.#position;
    let records: KafkaRecord[] = [];
    while (records.length < maxRecords && this.#bufferedBytes > 0 && this.error === undefined) {
      if (this.#restAt < this.#rest.length) records = this.#takeRest(records, maxRecords);
      else this.#readBatch(records, maxRecords);
    }
    if (this.#position === before) return undefined;
    const { topic, partition, assignmentEpoch, highWatermark } = this;
    return { topic, partition, records, assignmentEpoch, nextOffset: this.#position, highWatermark };
  }

  #takeRest(records: KafkaRecord[], maxRecords: number): KafkaRecord[] {
    const until = Math.min(this.#rest.length, this.#restAt + maxRecords - records.length);
    const part = this.#rest.slice(this.#restAt, until);
    this.#restAt = until;
    const isSpent = until === this.#rest.length;
    this.#position = isSpent ? this.#restEnd : this.#rest[until - 1]!.offset + 1;
    if (isSpent) {
      this.#rest = [];
      this.#restAt = 0;
      this.#consumed(this.#restBytes);
      this.#restBytes = 0;
    }
    return records.length === 0 ? part : records.concat(part);
  }

  /** A batch that fits is read straight into the poll's array, a larger one is kept and handed over in parts. */
  #readBatch(records: KafkaRecord[], maxRecords: number): void {
    const chunk = this.#chunks[0]!;
    const before = chunk.remainingBytes;
    const fits = chunk.nextCount <= maxRecords - records.length;
    const out = fits ? records : [];
    let next: number;
    try {
      next = chunk.readBatch(this.#position, this.checkCrcs, out);
    } catch (error) {
      this.error = error;
      return;
    }
    const size = before - chunk.remainingBytes;
    if (fits || out.length === 0) {
      this.#position = next;
      this.#consumed(size);
    } else {
      this.#rest = out;
      this.#restEnd = next;
      this.#restBytes = size;
    }
  }

  #consumed(bytes: number): void {
    this.#bufferedBytes -= bytes;
    const chunk = this.#chunks[0]!;
    if (chunk.remainingBytes > 0) return;
    this.#chunks.shift();
    this.release(chunk);
  }
}

/** Where its log ends, once a fetch has told. */
export function knownEnd(partition: FetchPartition | undefined): number | undefined {
  const end = partition?.highWatermark ?? -1;
  return end < 0 ? undefined : end;
}
