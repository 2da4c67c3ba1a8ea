import { relaxed } from './formats.js';

// One place that values come from: a file, the environment, the command line, an object. Sources answer for names in
// any spelling that Spring's relaxed binding accepts.

export interface PropertyEntry {
  /** As its author wrote it. */
  readonly key: string;
  readonly value: string;
  /** `application.properties:12`, `environment variable KAFKA_CLIENT_ID`, … */
  readonly origin: string;
}

export interface PropertySource {
  /** `application.properties`, `environment`, … */
  readonly name: string;
  /** The entry for a canonical name, whatever its spelling in the source. */
  get(name: string): PropertyEntry | undefined;
  /** Everything, for the search of unknown keys. */
  entries(): Iterable<PropertyEntry>;
}

/** A name in the one form that look-ups use: `spring.kafka.` is `kafka.`, brackets are dots, case and dashes gone. */
export function canonicalName(name: string): string {
  const dotted = name.replace(/\[(?!\d+\])([^\]]*)\]/g, '.$1').replace(/\.{2,}/g, '.');
  const plain = relaxed(dotted);
  return plain.startsWith('spring.kafka.') ? plain.slice('spring.'.length) : plain;
}

/** Entries with names as in properties files; the last of equal names wins. */
export class MapPropertySource implements PropertySource {
  readonly name: string;
  readonly #entries: readonly PropertyEntry[];
  readonly #byName = new Map<string, PropertyEntry>();

  constructor(name: string, entries: readonly PropertyEntry[]) {
    this.name = name;
    this.#entries = entries;
    for (const entry of entries) this.#byName.set(canonicalName(entry.key), entry);
    this.#collectIndexed();
  }

  get(name: string): PropertyEntry | undefined {
    return this.#byName.get(canonicalName(name));
  }

  entries(): Iterable<PropertyEntry> {
    return this.#entries;
  }

  /** `a[0]=x`, `a[1]=y` is the list `a=x,y`. */
  #collectIndexed(): void {
    const lists = new Map<string, Array<PropertyEntry | undefined>>();
    for (const [name, entry] of this.#byName) {
      const match = /^(.+)\[(\d{1,4})\]$/.exec(name);
      if (!match) continue;
      const items = lists.get(match[1]!) ?? [];
      items[Number(match[2])] = entry;
      lists.set(match[1]!, items);
    }
    for (const [name, items] of lists) {
      const present = items.filter((item) => item !== undefined);
      const first = present[0]!;
      this.#byName.set(name, { ...first, value: present.map((item) => item.value).join(',') });
    }
  }
}

/** Environment variables: `KAFKA_CLIENT_ID`, `KAFKA_CLIENTID` and `SPRING_KAFKA_CLIENT_ID` all answer for `kafka.client-id`. */
export class EnvironmentPropertySource implements PropertySource {
  readonly name = 'environment';
  readonly #byName = new Map<string, PropertyEntry>();

  constructor(variables: Readonly<Record<string, string | undefined>>) {
    for (const [key, value] of Object.entries(variables)) {
      if (value === undefined) continue;
      this.#byName.set(squeezed(key), { key, value, origin: `environment variable ${key}` });
    }
  }

  get(name: string): PropertyEntry | undefined {
    const wanted = squeezed(name);
    if (!wanted.startsWith('kafka')) return this.#byName.get(wanted);
    return this.#byName.get(wanted) ?? this.#byName.get(`spring${wanted}`);
  }

  entries(): Iterable<PropertyEntry> {
    return this.#byName.values();
  }
}

/** Variables cannot carry dots and dashes, so a name is compared without any separator. */
export function squeezed(name: string): string {
  return name.toLowerCase().replace(/[-_.[\]]/g, '');
}

/** `--kafka.client-id=x` arguments; others are not ours to judge. */
export function argumentSource(argv: readonly string[]): PropertySource {
  const entries: PropertyEntry[] = [];
  for (const argument of argv) {
    const match = /^--([A-Za-z][\w.\-[\]]*)=(.*)$/s.exec(argument);
    if (match) entries.push({ key: match[1]!, value: match[2]!, origin: `argument --${match[1]}` });
  }
  return new MapPropertySource('arguments', entries);
}

export type PropertyValue = string | number | boolean | readonly (string | number)[] | PropertyTree;
export interface PropertyTree {
  readonly [name: string]: PropertyValue | undefined;
}

/** An object: flat (`{ 'kafka.client-id': 'x' }`), nested (`{ kafka: { clientId: 'x' } }`), or both. */
export function objectSource(name: string, tree: PropertyTree): PropertySource {
  const entries: PropertyEntry[] = [];
  flatten('', tree, (key, value) => entries.push({ key, value, origin: name }));
  return new MapPropertySource(name, entries);
}

function flatten(prefix: string, tree: PropertyTree, add: (key: string, value: string) => void): void {
  for (const [name, value] of Object.entries(tree)) {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    if (value === undefined || value === null) continue;
    if (Array.isArray(value)) add(key, value.join(','));
    else if (typeof value === 'object') flatten(key, value as PropertyTree, add);
    else add(key, String(value));
  }
}
