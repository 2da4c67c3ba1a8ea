import { type ConfigKey } from '../config-key.js';
import { masked } from '../mistakes.js';

// Values as people write them, for the reference page and the command line.

const TIMES: ReadonlyArray<readonly [unit: string, ms: number]> = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];
const SIZES: ReadonlyArray<readonly [unit: string, bytes: number]> = [
  ['GB', 2 ** 30],
  ['MB', 2 ** 20],
  ['KB', 2 ** 10],
];

/** `5s`, `16KB`, `a, b`; empty for a value that is not there. */
export function valueText(key: Pick<ConfigKey<unknown>, 'unit'>, value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value === 'number' && key.unit === 'ms') return inUnits(value, TIMES, 'ms');
  if (typeof value === 'number' && key.unit === 'bytes') return inUnits(value, SIZES, 'B');
  return String(value as string | number | boolean);
}

/** The same with what is secret hidden. */
export function shownText(name: string, key: Pick<ConfigKey<unknown>, 'unit'>, value: unknown): string {
  const text = valueText(key, value);
  return text === '' ? text : masked(name, text);
}

/** In the largest unit that leaves a whole number. */
function inUnits(value: number, units: ReadonlyArray<readonly [string, number]>, smallest: string): string {
  if (value === 0) return '0';
  const [unit, size] = units.find(([, one]) => value % one === 0) ?? [smallest, 1];
  return `${value / size}${unit}`;
}
