import { messageOf } from '../../../common/errors.js';
import { type Mistake } from '../mistakes.js';
import { MapPropertySource, type PropertyEntry, type PropertySource } from './property-source.js';

// Objects as sources: the one given to the module, and the JSON of one environment variable.

export type PropertyValue = string | number | boolean | null | readonly PropertyValue[] | PropertyTree;
export interface PropertyTree {
  readonly [name: string]: PropertyValue | undefined;
}

/** An object: flat (`{ 'kafka.client-id': 'x' }`), nested (`{ kafka: { clientId: 'x' } }`), or both. */
export function objectSource(name: string, tree: PropertyTree): PropertySource {
  const entries: PropertyEntry[] = [];
  flatten('', tree, (key, value) => entries.push({ key, value, origin: name }));
  return new MapPropertySource(name, entries);
}

const JSON_NAMES = ['SPRING_APPLICATION_JSON', 'spring.application.json'];

/** The properties of `SPRING_APPLICATION_JSON`, above environment variables and below arguments; none without it. */
export function inlineJsonSource(
  env: Readonly<Record<string, string | undefined>>,
  args: PropertySource,
  mistakes: Mistake[],
): PropertySource[] {
  const argument = args.get(JSON_NAMES[1]!);
  const text = argument?.value ?? JSON_NAMES.map((name) => env[name]).find((value) => value !== undefined);
  if (text === undefined || text.trim() === '') return [];
  const origin = argument?.origin ?? `environment variable ${JSON_NAMES[0]}`;
  try {
    const tree: unknown = JSON.parse(text);
    if (typeof tree === 'object' && tree !== null && !Array.isArray(tree)) {
      return [objectSource(origin, tree as PropertyTree)];
    }
    mistakes.push({ origin, problem: 'holds no JSON object; write {"kafka": {"client-id": "x"}}' });
  } catch (error) {
    mistakes.push({ origin, problem: `is no JSON (${messageOf(error)}); write {"kafka": {"client-id": "x"}}` });
  }
  return [];
}

function flatten(prefix: string, value: PropertyValue | undefined, add: (key: string, value: string) => void): void {
  // Null says nothing, as in Spring: it does not hide what a lower source says.
  if (value === undefined || value === null) return;
  if (isList(value)) {
    if (value.every((item) => typeof item !== 'object' || item === null)) add(prefix, value.map(String).join(','));
    else for (const [index, item] of value.entries()) flatten(`${prefix}[${index}]`, item, add);
  } else if (typeof value === 'object') {
    for (const [name, below] of Object.entries(value)) flatten(prefix === '' ? name : `${prefix}.${name}`, below, add);
  } else {
    add(prefix, String(value));
  }
}

function isList(value: PropertyValue): value is readonly PropertyValue[] {
  return Array.isArray(value);
}
