import { refusalBehind } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { type CommitOffset } from '../../client/consumer-client.js';
import { encodeGapMap } from '../../dispatch/gap-map.js';
import { type OffsetRange } from '../../dispatch/offset-range.js';

// The maps of what is finished above a committed offset, as its metadata: as long as the brokers take them.

/** OFFSET_METADATA_TOO_LARGE: the brokers take less than Kafka's default. */
const METADATA_TOO_LARGE = 12;

export class CommitMaps {
  readonly #listener: string;
  readonly #logger: Logger;
  /** Characters that a map may have; fewer once the brokers refused one. */
  #most = Number.POSITIVE_INFINITY;

  constructor({ listener, logger }: { readonly listener: string; readonly logger: Logger }) {
    this.#listener = listener;
    this.#logger = logger;
  }

  /** Undefined: it does not fit. */
  of(offset: number, ranges: readonly OffsetRange[]): string | undefined {
    const map = encodeGapMap(offset, ranges);
    return map !== undefined && map.length <= this.#most ? map : undefined;
  }

  /** True when the brokers refused maps for their length: shorter ones, or none, let the offsets be committed. */
  shortenFor(offsets: readonly CommitOffset[], error: unknown): boolean {
    const longest = longestRefused(offsets, error);
    if (longest === 0) return false;
    this.#most = Math.floor(longest / 2);
    const most = `what is finished out of order is committed up to ${this.#most} from now on, a crash repeats the rest`;
    this.#warn(longest, most);
    return true;
  }

  /** True when the brokers refused a transaction's maps for their length: none are made from now on. */
  readonly endFor = (offsets: readonly CommitOffset[], error: unknown): boolean => {
    const longest = longestRefused(offsets, error);
    if (longest === 0) return false;
    this.#most = 0;
    this.#warn(longest, 'transactions end where nothing is finished out of order from now on, and so cover more');
    return true;
  };

  #warn(longest: number, consequence: string): void {
    this.#logger.warn(
      `listener '${this.#listener}': the brokers take no metadata of ${longest} characters (offset.metadata.max.bytes, ` +
        `4096 by default): ${consequence}`,
    );
  }
}

/** Length of the longest metadata where the brokers refused it for that; else 0. */
function longestRefused(offsets: readonly CommitOffset[], error: unknown): number {
  if (refusalBehind(error) !== METADATA_TOO_LARGE) return 0;
  return Math.max(...offsets.map(({ metadata = '' }) => metadata.length));
}
