import { type Clock, type Timer } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type RecordKey } from './serializers.js';

// Failed sends are counted and logged, so that nobody has to look at a promise to learn of one. A broker that is away
// fails thousands at once: the first is logged by itself, the others of a period in one line.

const PERIOD_MS = 1_000;
/** Characters of a key that a log line shows. */
const LONGEST_KEY = 100;

export class FailedSends {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #total = 0;
  #unsaid = 0;
  #period: Timer | undefined;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Sends that failed since the start. */
  get total(): number {
    return this.#total;
  }

  add(topic: string, key: RecordKey, error: unknown): void {
    this.#total++;
    if (this.#period) {
      this.#unsaid++;
      return;
    }
    this.#logger.error(`send to ${topic}, key ${keyText(key)}, failed: ${messageOf(error)}`);
    this.#period = this.#clock.schedule(PERIOD_MS, () => this.flush());
  }

  /** Logs what is counted but not said yet. */
  flush(): void {
    this.#period?.cancel();
    this.#period = undefined;
    if (this.#unsaid > 0) this.#logger.error(`${this.#unsaid} more sends failed; ${this.#total} since the start`);
    this.#unsaid = 0;
  }
}

/** A key as messages show it. */
export function keyText(key: RecordKey): string {
  if (key === null || key === undefined) return 'null';
  const text = key instanceof Uint8Array ? Buffer.from(key.subarray(0, LONGEST_KEY + 1)).toString() : String(key);
  return text.length > LONGEST_KEY ? `${text.slice(0, LONGEST_KEY)}…` : text;
}
