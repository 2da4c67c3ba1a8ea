// How Spring writes values: durations, data sizes, booleans, lists, names that match relaxed. Pure; each parser gives
// undefined for text that is not of its kind.

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const UNIT_BYTES: Readonly<Record<string, number>> = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };

const SIMPLE_DURATION = /^([+-]?\d+)(ns|us|ms|s|m|h|d)?$/i;
const ISO_DURATION =
  /^([+-]?)P(?=.)(?:([+-]?\d+)D)?(?:T(?=.)(?:([+-]?\d+)H)?(?:([+-]?\d+)M)?(?:([+-]?\d+(?:\.\d{1,9})?)S)?)?$/i;
const DATA_SIZE = /^([+-]?\d+)(B|KB|MB|GB|TB)?$/i;

/** Ms from `500ms`, `10s`, `PT1M30S` or a bare number in `defaultUnit`. */
export function parseDuration(text: string, defaultUnit: 'ms' | 's' = 'ms'): number | undefined {
  const simple = SIMPLE_DURATION.exec(text);
  if (simple) return Number(simple[1]) * UNIT_MS[(simple[2] ?? defaultUnit).toLowerCase()]!;
  const iso = ISO_DURATION.exec(text);
  if (!iso) return undefined;
  const [days, hours, minutes, seconds] = iso.slice(2).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  const total = days * UNIT_MS.d! + hours * UNIT_MS.h! + minutes * UNIT_MS.m! + seconds * UNIT_MS.s!;
  return iso[1] === '-' ? -total : total;
}

/** Bytes from `16KB`, `10MB` (powers of 1024) or a bare number of bytes. */
export function parseDataSize(text: string): number | undefined {
  const match = DATA_SIZE.exec(text);
  return match ? Number(match[1]) * UNIT_BYTES[(match[2] ?? 'B').toUpperCase()]! : undefined;
}

/** A whole number, decimal or `0x…`. */
export function parseInteger(text: string): number | undefined {
  if (!/^([+-]?\d+|0x[0-9a-f]+)$/i.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** A number with or without a fraction. */
export function parseDecimal(text: string): number | undefined {
  return /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?[fd]?$/i.test(text) ? Number.parseFloat(text) : undefined;
}

export function parseBoolean(text: string): boolean | undefined {
  if (/^(true|on|yes|1)$/i.test(text)) return true;
  return /^(false|off|no|0)$/i.test(text) ? false : undefined;
}

/** Items between commas, trimmed; no items in empty text. */
export function parseList(text: string): string[] {
  return text.trim() === '' ? [] : text.split(',').map((item) => item.trim());
}

/** The choice that is `text`, or equals it when case, `-` and `_` are put aside, as Spring binds enums. */
export function parseChoice<C extends string>(text: string, choices: readonly C[]): C | undefined {
  // Acks of -1 and of 1 differ in nothing else.
  if (choices.includes(text as C)) return text as C;
  const wanted = relaxed(text);
  return choices.find((choice) => relaxed(choice) === wanted);
}

/** A name without what relaxed binding ignores: case, dashes, underscores. Dots stay. */
export function relaxed(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '');
}
