import { prefixOf } from '../../common/connection-name.js';
import { nameBelow, variableBelow } from './binding.js';
import { type Environment } from './environment.js';
import { relaxed } from './formats.js';
import { type KnownName, knownNames } from './known-names.js';
import { type Mistake } from './mistakes.js';
import { canonicalName, type PropertyEntry, squeezed, VARIABLE_OF_LIST } from './sources/property-source.js';
import { explainUnknown, explainVariable } from './unknown-names.js';

// Looks at every name that the sources hold: unknown ones are mistakes, known ones without effect are told once.

export interface Judgement {
  readonly mistakes: readonly Mistake[];
  /** What is no mistake but should be known, one sentence each. */
  readonly notices: readonly string[];
}

/** `connections`: names of the connections that have keys of their own, `kafka.<name>.…`. */
export function judgeNames(environment: Environment, connections: readonly string[] = []): Judgement {
  const judge = new Judge(environment, connections);
  for (const source of environment.sources) {
    for (const entry of source.entries()) {
      if (source.name === 'environment') judge.variable(entry);
      else judge.name(entry, (name) => source.get(name) !== undefined);
    }
  }
  return { mistakes: judge.mistakes, notices: [...judge.notices.values()] };
}

/** First words after `kafka.` that are no keys but are followed by one: names of connections, it seems. */
export function connectionsIn(environment: Environment): string[] {
  const { byCanonical } = knownNames();
  const found = new Set<string>();
  for (const source of environment.sources) {
    if (source.name === 'environment') continue;
    for (const { key } of source.entries()) {
      const match = /^(?:spring\.)?kafka\.([a-z][a-z0-9-]*)\.(.+)$/i.exec(key);
      if (!match || isKnown(canonicalName(key).slice('kafka.'.length))) continue;
      if (byCanonical.has(canonicalName(match[2]!)) || isKnown(canonicalName(match[2]!))) found.add(match[1]!);
    }
  }
  return [...found];
}

function isKnown(canonical: string): boolean {
  const { byCanonical, openMaps } = knownNames();
  return byCanonical.has(canonical) || openMaps.some(({ name }) => canonical.startsWith(`${canonicalName(name)}.`));
}

class Judge {
  readonly mistakes: Mistake[] = [];
  /** By key, so that the highest source speaks. */
  readonly notices = new Map<string, string>();
  readonly #environment: Environment;
  readonly #connections: ReadonlyMap<string, string>;
  readonly #prefixes: readonly string[];

  constructor(environment: Environment, connections: readonly string[]) {
    this.#environment = environment;
    this.#connections = new Map(connections.map((name) => [relaxed(name), name]));
    this.#prefixes = [undefined, ...connections].map(prefixOf);
  }

  name(entry: PropertyEntry, has: (name: string) => boolean): void {
    const whole = canonicalName(entry.key);
    if (!whole.startsWith('kafka.')) return;
    const name = whole.replace(/\[\d+\]$/, '');
    const index = Number(whole.slice(name.length + 1, -1));
    if (index > 0 && !has(`${name}[${index - 1}]`)) {
      this.mistakes.push({ ...entry, problem: `the list has no [${index - 1}]; number its items from 0 without gaps` });
    }
    const rest = this.#withoutConnection(name.slice('kafka.'.length));
    const { byCanonical, openMaps } = knownNames();
    const known =
      byCanonical.get(rest) ??
      openMaps.find((map) => this.#prefixes.some((prefix) => nameBelow(`${prefix}.${map.name}`, entry.key)));
    if (known) this.#known(known, entry, name);
    else this.#unknown(entry, explainUnknown(entry.key, rest, [...this.#connections.values()]));
  }

  /**
   * `KAFKA_…` variables are common (images of brokers, service links), so an unknown one is none of ours unless it is
   * close to a key; `SPRING_KAFKA_…` can only be meant for us.
   */
  variable(entry: PropertyEntry): void {
    const name = squeezed(entry.key).replace(/^spring(?=kafka)/, '');
    if (!name.startsWith('kafka')) return;
    const known = this.#variableOf(name) ?? this.#variableOfList(entry.key);
    if (known) {
      this.#known(known, entry, name);
      return;
    }
    const map = knownNames().openMaps.find(({ name: below }) =>
      this.#prefixes.some((prefix) => variableBelow(`${prefix}.${below}`, entry.key) !== undefined),
    );
    if (map) {
      this.#known(map, entry, name);
      return;
    }
    const problem = explainVariable(entry.key);
    if (/^SPRING_KAFKA_/i.test(entry.key)) this.#unknown(entry, `unknown key${problem ?? ''}`);
    else if (problem !== undefined && /^KAFKA_/i.test(entry.key)) {
      this.notices.set(name, `environment variable ${entry.key} is not used${problem}`);
    }
  }

  #unknown(entry: PropertyEntry, problem: string): void {
    this.mistakes.push({ ...entry, problem, isUnknown: true });
  }

  #variableOf(squeezedName: string): KnownName | undefined {
    const { bySqueezed } = knownNames();
    const rest = squeezedName.slice('kafka'.length);
    const own = bySqueezed.get(rest);
    if (own) return own;
    const connection = [...this.#connections.keys()].find((one) => rest.startsWith(one));
    return connection === undefined ? undefined : bySqueezed.get(rest.slice(connection.length));
  }

  #variableOfList(variable: string): KnownName | undefined {
    const list = VARIABLE_OF_LIST.exec(variable)?.[1];
    return list === undefined ? undefined : this.#variableOf(squeezed(list).replace(/^spring(?=kafka)/, ''));
  }

  #known({ key, inert }: KnownName, entry: PropertyEntry, name: string): void {
    if (inert === undefined) return;
    if (key.kind !== 'map' && this.#isAsWritten(key, entry)) return;
    this.notices.set(name, `${entry.origin}: ${entry.key} has no effect: ${inert}`);
  }

  /** Whether the value says what is the case anyway; reports a value that is none. */
  #isAsWritten(key: KnownName['key'], entry: PropertyEntry): boolean {
    let text: string;
    try {
      text = this.#environment.resolvePlaceholders(entry.value);
    } catch {
      // Reported where the key is bound; a property without effect need not be resolved.
      return false;
    }
    if (text.trim() === '' && key.emptyIsUnset) return true;
    const value = key.parse(text);
    if (value === undefined) {
      this.mistakes.push({ ...entry, value: text, problem: `not allowed; allowed: ${key.allowed}` });
    }
    return key.holds !== undefined && String(value) === String(key.parse(key.holds));
  }

  #withoutConnection(rest: string): string {
    const first = rest.slice(0, Math.max(0, rest.indexOf('.')));
    return this.#connections.has(first) ? rest.slice(first.length + 1) : rest;
  }
}
