import { parseBoolean, parseChoice, parseDataSize, parseDuration, parseInteger, parseList } from './formats.js';

// What the table of keys is made of: one entry says a key's type, default, range, unit, meaning and place of action.

/** The clients that a Kafka client property belongs to. */
export type ClientKind = 'consumer' | 'producer';

/** Facts that every key states. */
export interface KeyFacts {
  /** One sentence for the reference page. */
  readonly doc: string;
  /** Where it acts, for whoever looks for the code. */
  readonly acts: string;
  /** Kafka's own name; the value is then taken from `properties.<name>` too, which wins. */
  readonly property?: string;
}

export interface ConfigKey<T> extends KeyFacts {
  readonly kind: 'string' | 'integer' | 'number' | 'boolean' | 'duration' | 'size' | 'choice' | 'list' | 'map';
  readonly default: T;
  /** Unit of the bound value. */
  readonly unit?: 'ms' | 'bytes';
  readonly min?: number;
  readonly max?: number;
  /** What may be written, in words, for messages and the reference page. */
  readonly allowed: string;
  /** The value of a text; undefined when the text is not allowed. */
  readonly parse: (text: string) => T | undefined;
  /** Whether an empty text means "not set" (numbers and the like), as in Spring. */
  readonly emptyIsUnset: boolean;
}

interface Ranged<D> extends KeyFacts {
  readonly default: D;
  readonly min?: number;
  readonly max?: number;
}

type Numeric<D> = ConfigKey<D extends undefined ? number | undefined : number>;

export function integer<D extends number | undefined>(facts: Ranged<D>): Numeric<D> {
  return ranged('integer', facts, parseInteger, 'a whole number');
}

export function duration<D extends number | undefined>(facts: Ranged<D>): Numeric<D> {
  const written = 'a duration such as 500ms, 10s, 5m, PT1M30S, or a bare number of milliseconds';
  return { ...ranged('duration', facts, parseDuration, written), unit: 'ms' };
}

export function dataSize<D extends number | undefined>(facts: Ranged<D>): Numeric<D> {
  const written = 'a size such as 512B, 16KB, 10MB, or a bare number of bytes';
  return { ...ranged('size', facts, parseDataSize, written), unit: 'bytes' };
}

export function boolean(facts: KeyFacts & { readonly default: boolean }): ConfigKey<boolean> {
  return { ...facts, kind: 'boolean', allowed: 'true or false', parse: parseBoolean, emptyIsUnset: true };
}

export function string<D extends string | undefined>(
  facts: KeyFacts & { readonly default: D; readonly allowed?: string },
): ConfigKey<D extends undefined ? string | undefined : string> {
  const key: ConfigKey<string | undefined> = {
    ...facts,
    kind: 'string',
    allowed: facts.allowed ?? 'a text',
    parse: (text) => text,
    emptyIsUnset: true,
  };
  return key as never;
}

/** One of a few words; `aliases` maps what else people write to them. */
export function choice<C extends string, D extends C | undefined>(
  choices: readonly C[],
  facts: KeyFacts & { readonly default: D; readonly aliases?: Readonly<Record<string, NoInfer<C>>> },
): ConfigKey<D extends undefined ? C | undefined : C> {
  const { aliases = {}, ...rest } = facts;
  const written = [...choices, ...Object.keys(aliases)];
  const key: ConfigKey<C | undefined> = {
    ...rest,
    kind: 'choice',
    allowed: written.join(', '),
    parse: (text) => {
      const found = parseChoice(text.trim(), written);
      return found === undefined ? undefined : ((aliases[found] ?? found) as C);
    },
    emptyIsUnset: true,
  };
  return key as never;
}

export function list(
  facts: KeyFacts & { readonly default: readonly string[]; readonly item?: RegExp; readonly allowed?: string },
): ConfigKey<readonly string[]> {
  const { item, ...rest } = facts;
  return {
    ...rest,
    kind: 'list',
    allowed: facts.allowed ?? 'values between commas',
    parse: (text) => {
      const items = parseList(text);
      return item && items.some((one) => !item.test(one)) ? undefined : items;
    },
    emptyIsUnset: false,
  };
}

/** Everything below a prefix, names and values as written; whoever receives the map checks it. */
export function map(facts: KeyFacts): ConfigKey<Readonly<Record<string, string>>> {
  return {
    ...facts,
    kind: 'map',
    default: {},
    allowed: 'any names and values',
    parse: () => undefined,
    emptyIsUnset: false,
  };
}

function ranged<D extends number | undefined>(
  kind: 'integer' | 'duration' | 'size',
  facts: Ranged<D>,
  read: (text: string) => number | undefined,
  written: string,
): Numeric<D> {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = facts;
  const key: ConfigKey<number | undefined> = {
    ...facts,
    kind,
    allowed: written + rangeInWords(facts),
    parse: (text) => {
      const value = read(text.trim());
      return value !== undefined && value >= min && value <= max ? value : undefined;
    },
    emptyIsUnset: true,
  };
  return key as never;
}

function rangeInWords({ min, max }: { readonly min?: number; readonly max?: number }): string {
  if (min !== undefined && max !== undefined) return `, from ${min} to ${max}`;
  if (min !== undefined) return `, at least ${min}`;
  return max === undefined ? '' : `, at most ${max}`;
}
