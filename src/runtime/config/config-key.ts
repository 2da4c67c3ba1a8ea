import {
  parseBoolean,
  parseChoice,
  parseDataSize,
  parseDecimal,
  parseDuration,
  parseInteger,
  parseList,
} from './formats.js';

// What the table of keys is made of: one entry says a key's type, default, range, unit, meaning and place of action.

/** The clients that a Kafka client property belongs to. */
export type ClientKind = 'consumer' | 'producer' | 'admin';

/** Facts that a key states. Every key has either a place where it acts or a reason why it does not. */
export interface KeyFacts {
  /** One sentence for the reference page. */
  readonly doc: string;
  /** Where it acts, for whoever looks for the code. */
  readonly acts?: string;
  /** Why it has no effect here, and what to use instead: said once at the start of whoever sets the key. */
  readonly inert?: string;
  /** For a key without effect: the value that is the case here anyway, so that setting it needs no warning. */
  readonly holds?: string;
  /** Kafka's own name; the value is then taken from `properties.<name>` too, which wins. */
  readonly property?: string;
  /** Spring's key wins over `properties.<name>`, as it does where Boot knows a connection's details. */
  readonly ownFirst?: boolean;
  /** The default of Kafka 4, or of Spring, where ours differs. */
  readonly kafkaDefault?: string;
  /** For a key of one kind of client: the key of all clients that holds where this one is not set. */
  readonly common?: string;
}

export interface ConfigKey<T> extends KeyFacts {
  readonly kind: 'string' | 'integer' | 'number' | 'boolean' | 'duration' | 'size' | 'choice' | 'list' | 'map';
  readonly default: T;
  /** Unit of the bound value. */
  readonly unit?: 'ms' | 'bytes';
  readonly min?: number;
  readonly max?: number;
  /** The words of a choice, for editors. */
  readonly choices?: readonly string[];
  /** For a map: whether the table knows all names below it. */
  readonly closed?: boolean;
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

/** A number with a fraction. */
export function decimal<D extends number | undefined>(facts: Ranged<D>): Numeric<D> {
  return ranged('number', facts, parseDecimal, 'a number such as 1.5');
}

/** Milliseconds; a bare number counts in `bare`. */
export function duration<D extends number | undefined>(facts: Ranged<D> & { readonly bare?: 'ms' | 's' }): Numeric<D> {
  const { bare = 'ms', ...rest } = facts;
  const unit = bare === 'ms' ? 'milliseconds' : 'seconds';
  const written = `a duration such as 500ms, 10s, 5m, PT1M30S, or a bare number of ${unit}`;
  return { ...ranged('duration', rest as Ranged<D>, (text) => parseDuration(text, bare), written), unit: 'ms' };
}

export function dataSize<D extends number | undefined>(facts: Ranged<D>): Numeric<D> {
  const written = 'a size such as 512B, 16KB, 10MB, or a bare number of bytes';
  return { ...ranged('size', facts, parseDataSize, written), unit: 'bytes' };
}

export function boolean<D extends boolean | undefined>(
  facts: KeyFacts & { readonly default: D },
): ConfigKey<D extends undefined ? boolean | undefined : boolean> {
  const parse = (text: string) => parseBoolean(text.trim());
  const key: ConfigKey<boolean | undefined> = {
    ...facts,
    kind: 'boolean',
    allowed: 'true or false',
    parse,
    emptyIsUnset: true,
  };
  return key as never;
}

export function string<D extends string | undefined>(
  facts: KeyFacts & {
    readonly default: D;
    readonly allowed?: string;
    readonly emptyCounts?: boolean;
    /** Whether a text is allowed. Default: any. */
    readonly isAllowed?: (text: string) => boolean;
  },
): ConfigKey<D extends undefined ? string | undefined : string> {
  const { emptyCounts = false, isAllowed = () => true, ...rest } = facts;
  const key: ConfigKey<string | undefined> = {
    ...rest,
    kind: 'string',
    allowed: facts.allowed ?? 'a text',
    parse: (text) => (isAllowed(text) ? text : undefined),
    emptyIsUnset: !emptyCounts,
  };
  return key as never;
}

/** One of a few words; `aliases` maps what else people write to them. */
export function choice<C extends string, D extends C | undefined>(
  choices: readonly C[],
  facts: KeyFacts & {
    readonly default: D;
    readonly aliases?: Readonly<Record<string, NoInfer<C>>>;
    /** What to do who wants something else. */
    readonly otherwise?: string;
  },
): ConfigKey<D extends undefined ? C | undefined : C> {
  const { aliases = {}, otherwise, ...rest } = facts;
  const written = [...choices, ...Object.keys(aliases)];
  const key: ConfigKey<C | undefined> = {
    ...rest,
    kind: 'choice',
    choices: written,
    allowed: written.join(', ') + (otherwise === undefined ? '' : `; ${otherwise}`),
    parse: (text) => {
      const found = parseChoice(text.trim(), written);
      return found === undefined ? undefined : ((aliases[found] ?? found) as C);
    },
    emptyIsUnset: true,
  };
  return key as never;
}

/** One of a few words, or the name of something that the application brings itself: whoever needs it looks it up. */
export function nameOr<D extends string | undefined>(
  choices: readonly string[],
  facts: KeyFacts & {
    readonly default: D;
    readonly aliases: Readonly<Record<string, string>>;
    /** What other names mean. */
    readonly otherwise: string;
  },
): ConfigKey<D extends undefined ? string | undefined : string> {
  const known = choice(choices, { ...facts, default: facts.default as string | undefined });
  const parse = (text: string) => known.parse(text) ?? (/^[\w.$:-]+$/.test(text.trim()) ? text.trim() : undefined);
  // Java's names with their packages are understood, and would only fill the page.
  const told = [...choices, ...Object.keys(facts.aliases).filter((name) => !name.includes('.'))];
  return { ...known, parse, allowed: `${told.join(', ')}; ${facts.otherwise}` } as never;
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

/**
 * Everything below a prefix, names and values as written; whoever receives the map checks it. A closed one is bound
 * name by name instead: the table knows what may stand below it.
 */
export function map(facts: KeyFacts & { readonly closed?: boolean }): ConfigKey<Readonly<Record<string, string>>> {
  return {
    ...facts,
    kind: 'map',
    default: {},
    allowed: 'any names and values',
    parse: () => undefined,
    emptyIsUnset: false,
  };
}

type KeysOfClient<C extends ClientKind, K extends Readonly<Record<string, ConfigKey<unknown>>>> = {
  readonly [N in keyof K & string as `${C}.${N}`]: K[N] extends ConfigKey<infer T> ? ConfigKey<T | undefined> : never;
};

/** Keys of all clients once more for one kind of client, where nothing is the default. */
export function keysOfClient<C extends ClientKind, K extends Readonly<Record<string, ConfigKey<unknown>>>>(
  client: C,
  keys: K,
  more: Partial<KeyFacts> = {},
): KeysOfClient<C, K> {
  const own = Object.entries(keys).map(([name, key]) => {
    const { acts: _acts, ...rest } = key as KeyFacts;
    return [`${client}.${name}`, { ...(more.inert ? rest : key), ...more, default: undefined, common: name }];
  });
  return Object.fromEntries(own) as KeysOfClient<C, K>;
}

function ranged<D extends number | undefined>(
  kind: 'integer' | 'number' | 'duration' | 'size',
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
