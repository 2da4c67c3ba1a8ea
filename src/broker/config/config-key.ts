// One configuration key as data, the few constructors that the tables of keys are written in, and the check of a
// value against its key. Values stay text, as Kafka keeps and reports them; numbers are parsed where they act.

/** Kafka's numbers for the types of values in DescribeConfigs. */
export const ConfigType = {
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
} as const;
export type ConfigType = (typeof ConfigType)[keyof typeof ConfigType];

export interface ConfigKey {
  readonly type: ConfigType;
  /** Null: not set, and nothing follows from it. */
  readonly fallback: string | null;
  readonly doc: string;
  /** Changed at run time by IncrementalAlterConfigs (topic keys always are). */
  readonly dynamic: boolean;
  readonly min?: number;
  readonly max?: number;
  /** The values that a string, or an element of a list, may have. */
  readonly oneOf?: readonly string[];
  /** Why a value of the right type is none after all; undefined when it is one. */
  readonly check?: (value: string) => string | undefined;
  /** Taken, but not told of: Kafka keeps such keys to itself. */
  readonly internal?: boolean;
  /** Changed at run time for single listeners only, under names that begin with `listener.name.`. */
  readonly ofListener?: boolean;
}

export type ConfigTable = Readonly<Record<string, ConfigKey>>;

type Limits = Pick<ConfigKey, 'min' | 'max'>;

/** Kafka's spelling of "no limit". */
export const MAX_LONG = '9223372036854775807';
export const MAX_INT = 0x7fff_ffff;

const text = (value: number | string | boolean | null): string | null => (value === null ? null : String(value));

export function int(fallback: number | null, doc: string, limits: Limits = {}): ConfigKey {
  return {
    type: ConfigType.INT,
    fallback: text(fallback),
    doc,
    dynamic: false,
    min: -MAX_INT - 1,
    max: MAX_INT,
    ...limits,
  };
}

export function long(fallback: number | string | null, doc: string, limits: Limits = {}): ConfigKey {
  return { type: ConfigType.LONG, fallback: text(fallback), doc, dynamic: false, ...limits };
}

export function short(fallback: number, doc: string, limits: Limits = {}): ConfigKey {
  return {
    type: ConfigType.SHORT,
    fallback: text(fallback),
    doc,
    dynamic: false,
    min: -0x8000,
    max: 0x7fff,
    ...limits,
  };
}

export function double(fallback: number | string, doc: string, limits: Limits = {}): ConfigKey {
  return { type: ConfigType.DOUBLE, fallback: text(fallback), doc, dynamic: false, ...limits };
}

export function bool(fallback: boolean, doc: string): ConfigKey {
  return { type: ConfigType.BOOLEAN, fallback: text(fallback), doc, dynamic: false };
}

export function str(fallback: string | null, doc: string, oneOf?: readonly string[]): ConfigKey {
  return { type: ConfigType.STRING, fallback, doc, dynamic: false, ...(oneOf && { oneOf }) };
}

export function list(fallback: string | null, doc: string, oneOf?: readonly string[]): ConfigKey {
  return { type: ConfigType.LIST, fallback, doc, dynamic: false, ...(oneOf && { oneOf }) };
}

/** Name of a Java class, for those who bring the same file to Kafka. */
export function javaClass(fallback: string | null, doc: string): ConfigKey {
  return { type: ConfigType.CLASS, fallback, doc, dynamic: false };
}

/** Never told to anybody. */
export function password(doc: string): ConfigKey {
  return { type: ConfigType.PASSWORD, fallback: null, doc, dynamic: false };
}

/** The key with one more rule. */
export function checked(key: ConfigKey, check: (value: string) => string | undefined): ConfigKey {
  return { ...key, check };
}

/** The key, which must stay without a value: `why` says `Must stay empty: …`. */
export function unset(key: ConfigKey, why: string): ConfigKey {
  const refusal = `${why.charAt(0).toLowerCase()}${why.slice(1).replace(/\.$/, '')}`;
  return checked(key, (value) => (value === '' ? undefined : refusal));
}

export function internal(key: ConfigKey): ConfigKey {
  return { ...key, internal: true };
}

/** The key, changeable at run time, but only listener by listener. */
export function ofListener(key: ConfigKey): ConfigKey {
  return { ...key, dynamic: true, ofListener: true };
}

/** The key, changeable at run time. */
export function dynamic(key: ConfigKey): ConfigKey {
  return { ...key, dynamic: true };
}

/** Whether its values are kept from everybody. */
export function isSensitive(key: ConfigKey): boolean {
  return key.type === ConfigType.PASSWORD;
}

/** Why `value` is no value of `key`; undefined when it is one. */
export function refusalOf(key: ConfigKey, value: string): string | undefined {
  const trimmed = value.trim();
  return typeRefusal(key, trimmed) ?? key.check?.(trimmed);
}

function typeRefusal(key: ConfigKey, trimmed: string): string | undefined {
  switch (key.type) {
    case ConfigType.BOOLEAN:
      return /^(true|false)$/i.test(trimmed) ? undefined : 'must be true or false';
    case ConfigType.INT:
    case ConfigType.SHORT:
    case ConfigType.LONG:
      return /^[+-]?\d{1,19}$/.test(trimmed) ? outOfRange(key, Number(trimmed)) : 'must be a whole number';
    case ConfigType.DOUBLE:
      return trimmed !== '' && !Number.isNaN(Number(trimmed)) ? outOfRange(key, Number(trimmed)) : 'must be a number';
    case ConfigType.STRING:
      return notOneOf(key, [trimmed]);
    case ConfigType.LIST:
      return notOneOf(key, elementsOf(trimmed));
    case ConfigType.CLASS:
    case ConfigType.PASSWORD:
      return undefined;
  }
}

function outOfRange(key: ConfigKey, value: number): string | undefined {
  const { min, max } = key;
  if (min !== undefined && value < min) return `must be at least ${min}`;
  if (max !== undefined && value > max) return `must be at most ${max}`;
  return undefined;
}

function notOneOf(key: ConfigKey, values: readonly string[]): string | undefined {
  if (!key.oneOf) return undefined;
  return values.every((value) => key.oneOf!.includes(value)) ? undefined : `must be one of ${key.oneOf.join(', ')}`;
}

/** The elements of a list value. */
export function elementsOf(value: string): string[] {
  return value
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '');
}

/** A numeric value as a number; beyond 2^53 ("no limit") it is clamped. */
export function numberOf(value: string): number {
  const number = Number(value);
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, number));
}
