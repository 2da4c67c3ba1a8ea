import { messageOf, refusalBehind } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { type ListenerMetadata, type OffsetMetadataFunction } from '../../../common/offset-metadata.js';
import { type TopicPartition } from '../../../common/topic-partition.js';
import { type CommitOffset } from '../../client/consumer-client.js';
import { encodeGapMap, isGapMapIn, joinMetadata, splitMetadata } from '../../dispatch/gap-map.js';
import { type OffsetRange } from '../../dispatch/offset-range.js';
import { type PartitionState } from '../partitions/partition-state.js';

// What is stored beside a committed offset: the application's own text, and behind it the map of what is finished above
// the offset; each as long as the brokers take it.

/** OFFSET_METADATA_TOO_LARGE: the brokers take less than Kafka's default. */
const METADATA_TOO_LARGE = 12;

export interface CommitMetadataOptions {
  readonly listener: string;
  readonly groupId: string;
  readonly info: string | undefined;
  /** Whether maps are kept. */
  readonly gapMap: boolean;
  /** The application's text; undefined: it has none. */
  readonly text: OffsetMetadataFunction | undefined;
  readonly logger: Logger;
}

export class CommitMetadata {
  readonly hasMaps: boolean;
  readonly #options: CommitMetadataOptions;
  readonly #listener: Omit<ListenerMetadata, 'topic' | 'partition'>;
  /** Characters that a map may have; fewer once the brokers refused one. */
  #mostMap = Number.POSITIVE_INFINITY;
  /** The same of the application's text. */
  #mostText = Number.POSITIVE_INFINITY;

  constructor(options: CommitMetadataOptions) {
    this.#options = options;
    this.hasMaps = options.gapMap;
    const { listener: listenerId, groupId, info } = options;
    this.#listener = { listenerId, groupId, info };
  }

  /** For an offset that user code named, or what is finished; `isMapped`: with what is finished above it. */
  of(state: PartitionState, offset: number, isMapped: boolean): string {
    const text = this.text(state, offset);
    if (!this.hasMaps || !isMapped) return text;
    const above = state.tracker.finishedRanges().filter(({ from }) => from > offset);
    return this.withMap(text, offset, above) ?? text;
  }

  /** What the application says; empty where it says nothing. */
  text({ topic, partition }: TopicPartition, offset: number): string {
    const { text } = this.#options;
    if (text === undefined) return '';
    try {
      const given: unknown = text({ ...this.#listener, topic, partition }, offset);
      if (typeof given !== 'string') throw new TypeError(`it gave ${String(given)} instead of text`);
      if (isGapMapIn(given)) throw new TypeError('it gave what this library stored beside another offset');
      if (given.length <= this.#mostText) return given;
    } catch (error) {
      // Whatever it is, finished work is committed.
      const name = `${topic}-${partition} at ${offset}`;
      const problem = `offsetAndMetadataProvider failed for ${name}, which is committed without its text`;
      this.#options.logger.error(`listener '${this.#options.listener}': ${problem}: ${messageOf(error)}`, error);
    }
    return '';
  }

  /** The text with the map behind it; undefined: that does not fit. */
  withMap(text: string, offset: number, ranges: readonly OffsetRange[]): string | undefined {
    const map = encodeGapMap(offset, ranges, text.length);
    return map !== undefined && map.length <= this.#mostMap ? joinMetadata(text, map) : undefined;
  }

  /** True when the brokers refused metadata for its length: shorter one, or none, lets the offsets be committed. */
  shortenFor(offsets: readonly CommitOffset[], error: unknown): boolean {
    return this.#bound(offsets, error, (length) => {
      const most = Math.floor(length / 2);
      const consequence = `what is finished out of order is committed up to ${most} from now on, a crash repeats the rest`;
      return { most, consequence };
    });
  }

  /** True when the brokers refused a transaction's metadata for its length: none is made from now on. */
  readonly endFor = (offsets: readonly CommitOffset[], error: unknown): boolean =>
    this.#bound(offsets, error, () => {
      const consequence = 'transactions end where nothing is finished out of order from now on, and so cover more';
      return { most: 0, consequence };
    });

  /** Bounds the longer one of the two, by its length: so that this ends. */
  #bound(
    offsets: readonly CommitOffset[],
    error: unknown,
    boundFor: (length: number) => { readonly most: number; readonly consequence: string },
  ): boolean {
    if (refusalBehind(error) !== METADATA_TOO_LARGE) return false;
    const { text, map } = splitMetadata(longestOf(offsets));
    if (text === '' && map === '') return false;
    const { most, consequence } = boundFor(Math.max(text.length, map.length));
    const isText = text.length > map.length;
    if (isText) this.#mostText = most;
    else this.#mostMap = most;
    const length = joinMetadata(text, map).length;
    const left = isText ? `texts of more than ${most} characters are left out from now on` : consequence;
    this.#options.logger.warn(
      `listener '${this.#options.listener}': the brokers take no metadata of ${length} characters ` +
        `(offset.metadata.max.bytes, 4096 by default): ${left}`,
    );
    return true;
  }
}

function longestOf(offsets: readonly CommitOffset[]): string {
  return offsets.reduce((longest, { metadata = '' }) => (metadata.length > longest.length ? metadata : longest), '');
}
