import { type PropertyEntry, type PropertySource } from './sources/property-source.js';

// All sources as one: who is asked first, and placeholders in values.

/** Why a text cannot be resolved; becomes a mistake where the text's origin is known. */
export class PlaceholderError extends Error {}

const ESCAPED = '\\${';

export class Environment {
  /** Lowest precedence first. */
  readonly #sources: readonly PropertySource[];

  constructor(sources: readonly PropertySource[]) {
    this.#sources = sources;
  }

  get sources(): readonly PropertySource[] {
    return this.#sources;
  }

  /** The entry of the highest source that has the name, as written there. */
  entry(name: string): PropertyEntry | undefined {
    for (let at = this.#sources.length - 1; at >= 0; at--) {
      const found = this.#sources[at]!.get(name);
      if (found) return found;
    }
    return undefined;
  }

  /** The entry of the first of these names below the prefix that any source has. */
  first(prefix: string, names: readonly string[]): PropertyEntry | undefined {
    for (const name of names) {
      const entry = this.entry(`${prefix}.${name}`);
      if (entry) return entry;
    }
    return undefined;
  }

  /** A property's value with placeholders filled; undefined when no source has it. Throws `PlaceholderError`. */
  get(name: string): string | undefined {
    const entry = this.entry(name);
    return entry === undefined ? undefined : this.#resolve(entry.value, [name]);
  }

  /** Like `get`, for a property that must be there. Throws `PlaceholderError` naming it when no source has it. */
  getRequired(name: string): string {
    return this.get(name) ?? this.resolvePlaceholders(`\${${name}}`);
  }

  /**
   * Fills `${name}` and `${name:default}`; defaults and names may hold placeholders themselves, `\${` stays as text.
   * Throws `PlaceholderError` for a name without value and default, and for values that refer to each other in a
   * circle.
   */
  resolvePlaceholders(text: string): string {
    return this.#resolve(text, []);
  }

  #resolve(text: string, within: readonly string[]): string {
    let out = '';
    let at = 0;
    for (;;) {
      const start = text.indexOf('${', at);
      if (start === -1) return out + text.slice(at);
      if (text[start - 1] === '\\') {
        out += `${text.slice(at, start - 1)}\${`;
        at = start + ESCAPED.length - 1;
        continue;
      }
      const end = closingBrace(text, start + 2);
      // Not quoted: the text may be a secret.
      if (end === -1)
        throw new PlaceholderError(`a placeholder has no closing brace; close it, or write \\\${ for the text itself`);
      out += text.slice(at, start) + this.#fill(text.slice(start + 2, end), within);
      at = end + 1;
    }
  }

  #fill(body: string, within: readonly string[]): string {
    const colon = topLevelColon(body);
    const name = this.#resolve(colon === -1 ? body : body.slice(0, colon), within).trim();
    if (within.includes(name)) {
      throw new PlaceholderError(`the placeholders refer to each other in a circle: ${[...within, name].join(' → ')}`);
    }
    const entry = this.entry(name);
    if (entry) return this.#resolve(entry.value, [...within, name]);
    if (colon !== -1) return this.#resolve(body.slice(colon + 1), within);
    throw new PlaceholderError(
      `nothing defines "${name}", which \${${body}} asks for; define it, or give a default: \${${name}:…}`,
    );
  }
}

/** Index of the brace that closes the placeholder whose body starts at `from`; -1 when there is none. */
function closingBrace(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('${', at)) {
      depth++;
      at++;
    } else if (text[at] === '}') {
      if (depth === 0) return at;
      depth--;
    }
  }
  return -1;
}

/** Index of the colon between name and default, skipping nested placeholders; -1 without a default. */
function topLevelColon(body: string): number {
  let depth = 0;
  for (let at = 0; at < body.length; at++) {
    if (body.startsWith('${', at)) depth++;
    else if (body[at] === '}') depth--;
    else if (body[at] === ':' && depth === 0) return at;
  }
  return -1;
}
