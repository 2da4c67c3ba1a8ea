import { NestdawError } from '../../common/errors.js';

// Mistakes in configuration are collected, not thrown one by one: a start reports all of them together.

export interface Mistake {
  /** Where it stands: `application.properties:12:25`, `environment variable KAFKA_…`, `OrderListener.handle`. */
  readonly origin: string;
  /** The key as its author wrote it; absent where the mistake has none. */
  readonly key?: string;
  /** Shown masked when the key says that it is a secret. */
  readonly value?: string;
  /** What is wrong, then what is allowed or what to write instead. */
  readonly problem: string;
  /** Whether nobody knows the key. A secret may stand under a misspelt one: only what was meant tells. */
  readonly isUnknown?: boolean;
}

/** Of a name without separators and case: `SPRING_KAFKA_SSL_KEYSTOREKEY` holds a private key as well. */
const SECRET =
  /password|passwort|passphrase|secret|token(?!endpoint)|jaas(config|options)|credential|userinfo|keystorekey|privatekey|apikey|accesskey/;

/** Whether a key's name says that its value is nobody's business. */
export function isSecret(key: string): boolean {
  return SECRET.test(key.toLowerCase().replace(/[^a-z0-9]/g, ''));
}

/** A value fit for logs and messages: secrets hidden, also those inside of addresses. */
export function masked(key: string, value: string): string {
  return isSecret(key) ? '******' : value.replace(/(:\/\/[^/@\s:]*:)[^/@\s]*@/g, '$1******@');
}

/** The value of a mistake, hidden also where a secret's key is misspelt and only the suggestion tells. */
export function shownValue({ key, value, problem, isUnknown = false }: Mistake): string | undefined {
  if (key === undefined || value === undefined) return undefined;
  return isUnknown && isSecret(problem) ? '******' : masked(key, value);
}

/** One line for one mistake. */
export function describeMistake(mistake: Mistake): string {
  const { origin, key, problem } = mistake;
  if (key === undefined) return `${origin}: ${problem}`;
  const value = shownValue(mistake);
  return `${origin}: ${key}${value === undefined ? '' : `=${value}`}: ${problem}`;
}

/** By file, then line and column, as somebody reads who puts them right; each once, since connections share files. */
export function inOrder(mistakes: readonly Mistake[]): Mistake[] {
  const different = [...new Map(mistakes.map((mistake) => [describeMistake(mistake), mistake])).values()];
  const placed = different.map((mistake) => {
    const [, source = mistake.origin, line = '0', column = '0'] = PLACE.exec(mistake.origin) ?? [];
    return { mistake, source, line: Number(line), column: Number(column) };
  });
  const sources = [...new Set(placed.map(({ source }) => source))];
  const rank = new Map(sources.map((source, index) => [source, index]));
  placed.sort((a, b) => rank.get(a.source)! - rank.get(b.source)! || a.line - b.line || a.column - b.column);
  return placed.map(({ mistake }) => mistake);
}

const PLACE = /^(.+):(\d+):(\d+)$/;

/** KAFKA_CONFIG_INVALID listing every mistake; does nothing when there is none. */
export function throwIfAny(mistakes: readonly Mistake[]): void {
  if (mistakes.length === 0) return;
  const found = inOrder(mistakes).map(describeMistake);
  const count = found.length === 1 ? 'one mistake' : `${found.length} mistakes`;
  const lines = found.map((mistake) => `  - ${mistake}`);
  throw new NestdawError('KAFKA_CONFIG_INVALID', `the configuration has ${count}:\n${lines.join('\n')}`);
}
