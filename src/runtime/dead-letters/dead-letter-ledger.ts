import { type KafkaRecord } from '../../common/record.js';
import { type DeadLetterState } from './dead-letter.js';

// What was done about dead letters, kept in a topic of its own: records of a log cannot be taken out, nor marked. The
// key is the letter's id, so compaction keeps one entry for each. Who writes the first claim has the letter: the order
// of the log decides between two that replay at once.

/** Compacted, one partition: claims need one order. */
export const LEDGER_TOPIC = 'nestdaw-dead-letters';

export interface LedgerEntry {
  readonly action: 'replaying' | 'replayed' | 'dropped';
  /** Who did it: one token for each replay or drop. */
  readonly token: string;
  /** Ms since the epoch. */
  readonly at: number;
  /** Takes the letter over whatever was done before. */
  readonly again?: boolean;
}

export interface LedgerState {
  readonly state: DeadLetterState;
  readonly token: string;
  readonly at: number;
}

export class Ledger {
  readonly #states = new Map<string, LedgerState>();

  /** What a record of the ledger's topic says. */
  read({ key, value }: KafkaRecord): void {
    if (key === null) return;
    // A claim that was given back.
    if (value === null) {
      this.#states.delete(key.toString());
      return;
    }
    const entry = parsed(value);
    if (entry) this.apply(key.toString(), entry);
  }

  apply(id: string, { action, token, at, again = false }: LedgerEntry): void {
    const before = this.#states.get(id);
    // The first claim counts; later ones of others come too late, unless they say that they know.
    if (before !== undefined && before.token !== token && !again) return;
    this.#states.set(id, { state: action, token, at });
  }

  stateOf(id: string): DeadLetterState {
    return this.#states.get(id)?.state ?? 'waiting';
  }

  /** Whose the letter is; undefined while nobody has claimed it. */
  ownerOf(id: string): string | undefined {
    return this.#states.get(id)?.token;
  }
}

function parsed(value: Buffer): LedgerEntry | undefined {
  try {
    const entry = JSON.parse(value.toString()) as LedgerEntry;
    return typeof entry === 'object' && entry !== null && typeof entry.token === 'string' ? entry : undefined;
  } catch {
    return undefined;
  }
}
