import { type RecordHeader } from '../../../common/record.js';
import { lastHeader } from './outgoing-headers.js';

// Names of payload types on the wire and the classes behind them, both ways, as Spring's type mapper has them. No class
// is ever looked up by what a record says: only those that the application named can be made.

/** A class that payloads can be instances of. */
export type JsonClass = new (...args: any[]) => object;

/**
 * Classes by their names on the wire, `{ order: Order, 'com.acme.Refund': Refund }`, where a class may have several
 * (the first is written); or classes that go by their own names.
 */
export type JsonTypeTable = Readonly<Record<string, JsonClass>> | readonly JsonClass[];

export const TYPE_ID = '__TypeId__';
export const CONTENT_TYPE_ID = '__ContentTypeId__';
export const KEY_TYPE_ID = '__Key_TypeId__';
export const KEY_CONTENT_TYPE_ID = '__Key_ContentTypeId__';

/** What Spring trusts without being told. */
const ALWAYS_TRUSTED = ['java.util', 'java.lang'];

export interface JsonTypeOptions {
  readonly types?: JsonTypeTable | undefined;
  /** Spring's `token:class, token:class`; the classes by a name of the table, or the last part of a Java name. */
  readonly mapping?: string | undefined;
  /** Packages whose types may be named by records, `*` for all; undefined: every name may come. */
  readonly trustedPackages?: readonly string[] | undefined;
}

/** Types of a connection. */
export class JsonTypes {
  readonly #classes = new Map<string, JsonClass>();
  readonly #ids = new Map<unknown, string>();
  readonly #trusted: ReadonlySet<string> | undefined;
  /** Classes of the mapping that the table does not have. */
  readonly unknown: readonly string[];

  constructor({ types = {}, mapping, trustedPackages }: JsonTypeOptions = {}) {
    const table = Object.entries(types).map(([name, type]) => [Array.isArray(types) ? type.name : name, type] as const);
    this.unknown = this.#map(mapping ?? '', new Map(table));
    for (const [name, type] of table) this.#add(name, type);
    const isAll = trustedPackages === undefined || trustedPackages.includes('*');
    this.#trusted = isAll ? undefined : new Set([...ALWAYS_TRUSTED, ...trustedPackages]);
  }

  /** Whether records have to be looked at for a type at all. */
  get isEmpty(): boolean {
    return this.#classes.size === 0 && this.#trusted === undefined;
  }

  /** Name on the wire of instances of a class. */
  idOf(type: unknown): string | undefined {
    return this.#ids.get(type);
  }

  /** All names on the wire of a class. */
  idsOf(type: unknown): string[] {
    return [...this.#classes].flatMap(([name, known]) => (known === type ? [name] : []));
  }

  /** Class of a name on the wire. */
  classOf(name: string): JsonClass | undefined {
    return this.#classes.get(name);
  }

  /** The package of a name that records may not use; undefined when they may. */
  untrustedPackage(name: string): string | undefined {
    if (this.#trusted === undefined || this.#classes.has(name)) return undefined;
    const at = name.lastIndexOf('.');
    const found = at < 0 ? '' : name.slice(0, at);
    return this.#trusted.has(found) ? undefined : found;
  }

  /** The class that a record names for its value, or for the elements of it. */
  named(
    headers: readonly RecordHeader[],
    isKey = false,
  ): { readonly name: string; readonly content?: string } | undefined {
    const name = lastHeader(headers, isKey ? KEY_TYPE_ID : TYPE_ID)?.toString();
    if (name === undefined) return undefined;
    const content = lastHeader(headers, isKey ? KEY_CONTENT_TYPE_ID : CONTENT_TYPE_ID)?.toString();
    return content === undefined ? { name } : { name, content };
  }

  #map(mapping: string, table: ReadonlyMap<string, JsonClass>): string[] {
    const byClass = new Map([...table.values()].map((type) => [type.name, type]));
    const unknown: string[] = [];
    for (const part of mapping.split(',').filter((one) => one.trim() !== '')) {
      const at = part.lastIndexOf(':');
      const [token, name] = [part.slice(0, at).trim(), part.slice(at + 1).trim()];
      const type = table.get(name) ?? byClass.get(name) ?? byClass.get(lastPart(name));
      if (type === undefined || token === '') unknown.push(part.trim());
      else this.#add(token, type);
    }
    return unknown;
  }

  #add(name: string, type: JsonClass): void {
    if (!this.#classes.has(name)) this.#classes.set(name, type);
    if (!this.#ids.has(type)) this.#ids.set(type, name);
  }
}

/** The class of `com.acme.Orders$Order` alone. */
export function lastPart(name: string): string {
  return name.slice(Math.max(name.lastIndexOf('.'), name.lastIndexOf('$')) + 1);
}
