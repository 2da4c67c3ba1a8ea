import { NestdawError } from '../../common/errors.js';

// Mistakes in configuration are collected, not thrown one by one: a start reports all of them together.

export interface Mistake {
  /** Where it stands: `application.properties:12`, `environment variable KAFKA_…`, `OrderListener.handle`. */
  readonly origin: string;
  /** The key as its author wrote it; absent where the mistake has none. */
  readonly key?: string;
  /** Shown masked when the key says that it is a secret. */
  readonly value?: string;
  /** What is wrong, then what is allowed or what to write instead. */
  readonly problem: string;
}

const SECRET = /password|secret|token|jaas|credential|\.key$|store-key$/i;

/** A value fit for logs and messages. */
export function masked(key: string, value: string): string {
  return SECRET.test(key) ? '******' : value;
}

/** One line for one mistake. */
export function describeMistake({ origin, key, value, problem }: Mistake): string {
  if (key === undefined) return `${origin}: ${problem}`;
  return value === undefined ? `${origin}: ${key}: ${problem}` : `${origin}: ${key}=${masked(key, value)}: ${problem}`;
}

/** KAFKA_CONFIG_INVALID listing every mistake; does nothing when there is none. */
export function throwIfAny(mistakes: readonly Mistake[]): void {
  if (mistakes.length === 0) return;
  const count = mistakes.length === 1 ? 'one mistake' : `${mistakes.length} mistakes`;
  const lines = mistakes.map((mistake) => `  - ${describeMistake(mistake)}`);
  throw new NestdawError('KAFKA_CONFIG_INVALID', `the configuration has ${count}:\n${lines.join('\n')}`);
}
