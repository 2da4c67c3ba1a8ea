import { relaxed } from '../formats.js';

// One place that values come from: a document of a file, the environment, the command line, an object. Sources answer
// for names in any spelling that Spring's relaxed binding accepts.

export interface PropertyEntry {
  /** As its author wrote it. */
  readonly key: string;
  readonly value: string;
  /** `application.properties:12:25` (line and column of the value), `environment variable KAFKA_CLIENT_ID`, … */
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

const MOST_FORMS = 10_000;

/** A start asks every source for every key: each form of a name is worked out once, and only where it is asked for. */
function remembered(formOf: (name: string) => string): (name: string) => string {
  const forms = new Map<string, string>();
  return (name) => {
    let known = forms.get(name);
    if (known === undefined) {
      if (forms.size >= MOST_FORMS) forms.clear();
      known = formOf(name);
      forms.set(name, known);
    }
    return known;
  };
}

const canonicalForm = remembered(canonicalName);
const squeezedForm = remembered(squeezed);

/** A name in the one form that look-ups use: `spring.kafka.` is `kafka.`, brackets are dots, case and dashes gone. */
export function canonicalName(name: string): string {
  const dotted = name.includes('[') ? name.replace(/\[(?!\d+\])([^\]]*)\]/g, '.$1').replace(/\.{2,}/g, '.') : name;
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
    addLists(this.#byName, /^(.+)\[(\d{1,4})\]$/);
  }

  get(name: string): PropertyEntry | undefined {
    return this.#byName.size === 0 ? undefined : this.#byName.get(canonicalForm(name));
  }

  entries(): Iterable<PropertyEntry> {
    return this.#entries;
  }
}

/**
 * Environment variables: `KAFKA_CLIENT_ID`, `KAFKA_CLIENTID` and `SPRING_KAFKA_CLIENT_ID` all answer for
 * `kafka.client-id`, `KAFKA_BOOTSTRAP_SERVERS_0_` for the first item of a list.
 */
export class EnvironmentPropertySource implements PropertySource {
  readonly name = 'environment';
  readonly #entries: readonly PropertyEntry[];
  readonly #byName = new Map<string, PropertyEntry>();
  readonly #isAboutKafka: boolean;

  constructor(variables: Readonly<Record<string, string | undefined>>) {
    this.#entries = Object.entries(variables).flatMap(([key, value]) =>
      value === undefined ? [] : [{ key, value, origin: `environment variable ${key}` }],
    );
    for (const entry of this.#entries) this.#byName.set(squeezed(entry.key), entry);
    this.#collectLists();
    this.#isAboutKafka = [...this.#byName.keys()].some(
      (name) => name.startsWith('kafka') || name.startsWith('springkafka'),
    );
  }

  get(name: string): PropertyEntry | undefined {
    if (!this.#isAboutKafka && name.startsWith('kafka.')) return undefined;
    const wanted = squeezedForm(name);
    if (!wanted.startsWith('kafka')) return this.#byName.get(wanted);
    return this.#byName.get(wanted) ?? this.#byName.get(`spring${wanted}`);
  }

  entries(): Iterable<PropertyEntry> {
    return this.#entries;
  }

  #collectLists(): void {
    const indexed = new Map<string, PropertyEntry>();
    for (const entry of this.#entries) {
      const match = VARIABLE_OF_LIST.exec(entry.key);
      if (match) indexed.set(`${squeezed(match[1]!)}[${match[2]}]`, entry);
    }
    addLists(indexed, /^(.+)\[(\d{1,4})\]$/);
    for (const [name, entry] of indexed)
      if (!name.endsWith(']') && !this.#byName.has(name)) this.#byName.set(name, entry);
  }
}

/** `KAFKA_BOOTSTRAPSERVERS_0_` or `KAFKA_BOOTSTRAPSERVERS_0`. */
export const VARIABLE_OF_LIST = /^(.+?)_(\d{1,4})_?$/;

/** `a[0]=x`, `a[1]=y` is the list `a=x,y`, unless `a` itself is there. */
function addLists(byName: Map<string, PropertyEntry>, indexed: RegExp): void {
  const lists = new Map<string, Array<PropertyEntry | undefined>>();
  for (const [name, entry] of byName) {
    const match = name.endsWith(']') ? indexed.exec(name) : undefined;
    if (!match) continue;
    const items = lists.get(match[1]!) ?? [];
    items[Number(match[2])] = entry;
    lists.set(match[1]!, items);
  }
  for (const [name, items] of lists) {
    if (byName.has(name)) continue;
    const present = items.filter((item) => item !== undefined);
    byName.set(name, { ...present[0]!, value: present.map((item) => item.value).join(',') });
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
