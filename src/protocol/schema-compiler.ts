import { type FieldSpec, type Fields, type FieldType, type InputOf, type MessageOf } from './schema.js';
import { WireReader } from './wire-reader.js';
import { WireWriter } from './wire-writer.js';

// Compiles a table of fields into a reader and a writer per version, as straight-line functions. A message that
// does not parse is read once more by a tracing reader, so that the error names the field.

type Read = (reader: WireReader) => any;
type Write = (writer: WireWriter, message: any) => void;

/** Readers and writers of one table, compiled when a version is first used. */
export class MessageCodec<F extends Fields> {
  readonly #readers: Read[] = [];
  readonly #tracingReaders: Read[] = [];
  readonly #writers: Write[] = [];

  constructor(
    /** What error messages call it. */
    readonly name: string,
    readonly fields: F,
    readonly flexibleFrom: number,
  ) {}

  /** Reads one message. Throws KAFKA_PROTOCOL_MALFORMED naming message, version, field and byte. */
  decode(reader: WireReader, version: number): MessageOf<F> {
    const start = reader.position;
    try {
      this.#readers[version] ??= new Compiler(version, version >= this.flexibleFrom, false).reader(this.fields);
      return this.#readers[version](reader);
    } catch {
      this.#tracingReaders[version] ??= new Compiler(version, version >= this.flexibleFrom, true).reader(this.fields);
      const again = new WireReader(reader.buffer, start, reader.end);
      again.enter(`${this.name} v${version}`);
      return this.#tracingReaders[version](again);
    }
  }

  encode(writer: WireWriter, version: number, message: InputOf<F>): void {
    this.#writers[version] ??= new Compiler(version, version >= this.flexibleFrom, false).writer(this.fields);
    this.#writers[version](writer, message);
  }

  /** The message alone, without any header, as one buffer. */
  toBuffer(version: number, message: InputOf<F>): Buffer {
    const writer = new WireWriter();
    this.encode(writer, version, message);
    return writer.toBuffer();
  }
}

class Compiler {
  readonly #names: string[] = [];
  readonly #values: unknown[] = [];

  constructor(
    readonly version: number,
    readonly flexible: boolean,
    readonly tracing: boolean,
  ) {}

  reader(fields: Fields): Read {
    const { plain, tagged, absent } = this.#sort(fields);
    const parts = [
      ...plain.map(([name, spec]) => `${name}: ${this.#traced(name, this.#read(spec))}`),
      ...[...tagged, ...absent].map(([name, spec]) => `${name}: ${this.#constant(frozen(this.#defaultOf(spec)))}`),
    ];
    const cases = tagged.map(
      ([name, spec]) => `case ${spec.tag}: m.${name} = ${this.#traced(name, this.#read(spec))}; break;`,
    );
    const tags = !this.flexible
      ? ''
      : cases.length === 0
        ? 'r.tags();'
        : `r.tags((tag, r) => { switch (tag) { ${cases.join(' ')} } });`;
    return this.#build(`return (r) => { const m = { ${parts.join(', ')} }; ${tags} return m; };`) as Read;
  }

  writer(fields: Fields): Write {
    const { plain, tagged } = this.#sort(fields);
    const lines = plain.map(([name, spec]) => `${this.#write(spec, this.#valueOf(name, spec))};`);
    if (this.flexible) lines.push(tagged.length === 0 ? 'w.uvarint(0);' : this.#writeTags(tagged));
    return this.#build(`return (w, m) => { ${lines.join(' ')} };`) as Write;
  }

  /** Fields of this version in wire order, tagged ones by tag, and those that this version does not have. */
  #sort(fields: Fields) {
    const entries = Object.entries(fields).map(([name, field]) => [name, field.spec] as const);
    const here = entries.filter(([, spec]) => this.version >= spec.from && this.version <= spec.to);
    const isTagged = (spec: FieldSpec) => spec.tag !== undefined && this.flexible;
    return {
      plain: here.filter(([, spec]) => spec.tag === undefined),
      tagged: here.filter(([, spec]) => isTagged(spec)).sort(([, a], [, b]) => a.tag! - b.tag!),
      absent: entries.filter(
        ([, spec]) => !here.some(([, s]) => s === spec) || (spec.tag !== undefined && !this.flexible),
      ),
    };
  }

  #read(spec: FieldSpec): string {
    const nullable = this.version >= spec.nullableFrom;
    const { type } = spec;
    switch (type.kind) {
      case 'string':
        return `r.${this.#variant('String', nullable)}()`;
      case 'bytes':
      case 'records':
        return `r.${this.#variant('Bytes', nullable)}()`;
      case 'array':
        return `r.${this.#variant('Array', nullable)}(${this.#constant(this.#elementReader(type))})`;
      case 'struct': {
        const inner = this.#constant(this.#child().reader(type.fields));
        return nullable ? `r.nullableStruct(${inner})` : `${inner}(r)`;
      }
      default:
        return `r.${type.kind}()`;
    }
  }

  #elementReader(type: FieldType & { kind: 'array' }): Read {
    const inner = type.element.spec;
    if (inner.type.kind === 'struct') return this.#child().reader(inner.type.fields);
    const child = this.#child();
    const body = child.#read(inner);
    return child.#build(`return (r) => ${body};`) as Read;
  }

  #write(spec: FieldSpec, value: string): string {
    const nullable = this.version >= spec.nullableFrom;
    const { type } = spec;
    switch (type.kind) {
      case 'string':
        return `w.${this.#variant('String', nullable)}(${value})`;
      case 'bytes':
        return `w.${this.#variant('Bytes', nullable)}(${value})`;
      case 'records':
        return `{ const v = ${value}; if (Array.isArray(v)) w.chunks(v, ${this.flexible}); else w.${this.#variant('Bytes', nullable)}(v); }`;
      case 'array':
        return `w.${this.#variant('Array', nullable)}(${value}, ${this.#constant(this.#elementWriter(type))})`;
      case 'struct': {
        const inner = this.#constant(this.#child().writer(type.fields));
        return nullable ? `w.nullableStruct(${value}, ${inner})` : `${inner}(w, ${value})`;
      }
      default:
        return `w.${type.kind}(${value})`;
    }
  }

  #elementWriter(type: FieldType & { kind: 'array' }): Write {
    const inner = type.element.spec;
    if (inner.type.kind === 'struct') return this.#child().writer(inner.type.fields);
    const child = this.#child();
    const body = child.#write(inner, 'm');
    return child.#build(`return (w, m) => { ${body}; };`) as Write;
  }

  /** Tags are written only where the value differs from the default; each needs its size first. */
  #writeTags(tagged: ReadonlyArray<readonly [string, FieldSpec]>): string {
    const steps = tagged.map(([name, spec]) => {
      const set = `m.${name} !== undefined && !${this.#constant(isDefault)}(m.${name}, ${this.#constant(this.#defaultOf(spec))})`;
      return `if (${set}) { const w = new ${this.#constant(WireWriter)}(); ${this.#write(spec, `m.${name}`)}; tags.push(${spec.tag}, w); }`;
    });
    return `const tags = []; ${steps.join(' ')} w.uvarint(tags.length / 2);
      for (let i = 0; i < tags.length; i += 2) { w.uvarint(tags[i]); w.uvarint(tags[i + 1].size); for (const c of tags[i + 1].finish()) w.raw(c); }`;
  }

  #valueOf(name: string, spec: FieldSpec): string {
    const fallback = this.#defaultOf(spec);
    const { kind } = spec.type;
    // Versions before a string or byte field could be null say it with the empty value.
    if (
      Number.isFinite(spec.nullableFrom) &&
      this.version < spec.nullableFrom &&
      (kind === 'string' || kind === 'bytes')
    ) {
      return `(m.${name} ?? ${this.#constant(fallback)})`;
    }
    return fallback === undefined ? `m.${name}` : `(m.${name} === undefined ? ${this.#constant(fallback)} : m.${name})`;
  }

  #defaultOf(spec: FieldSpec): unknown {
    if (spec.fallback !== undefined || spec.type.kind !== 'struct') {
      // A field whose default is null has, in versions without null, its type's empty value.
      return spec.fallback === null && this.version < spec.nullableFrom ? emptyOf(spec.type) : spec.fallback;
    }
    return Object.fromEntries(
      Object.entries(spec.type.fields).map(([name, field]) => [name, this.#defaultOf(field.spec)]),
    );
  }

  #variant(type: 'String' | 'Bytes' | 'Array', nullable: boolean): string {
    const name = `${this.flexible ? 'compact' : ''}${nullable ? 'Nullable' : ''}${type}`;
    return name.charAt(0).toLowerCase() + name.slice(1);
  }

  #traced(name: string, read: string): string {
    return this.tracing ? `(r.enter(${JSON.stringify(name)}), ((v) => (r.leave(), v))(${read}))` : read;
  }

  #child(): Compiler {
    return new Compiler(this.version, this.flexible, this.tracing);
  }

  #constant(value: unknown): string {
    if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
    this.#values.push(value);
    const name = `k${this.#values.length}`;
    this.#names.push(name);
    return name;
  }

  #build(source: string): unknown {
    // The source consists of our own tables only; nothing that came over the wire gets in.
    // oxlint-disable-next-line typescript/no-implied-eval
    return new Function(...this.#names, source)(...this.#values);
  }
}

function emptyOf(type: FieldType): unknown {
  switch (type.kind) {
    case 'string':
      return '';
    case 'array':
      return [];
    case 'bytes':
    case 'records':
      return Buffer.alloc(0);
    default:
      return undefined;
  }
}

/** Default values are shared by all messages that lack the field: nobody may change them. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}

function isDefault(value: unknown, fallback: unknown): boolean {
  if (value === fallback) return true;
  if (Array.isArray(value)) return Array.isArray(fallback) && value.length === 0;
  if (Buffer.isBuffer(value)) return Buffer.isBuffer(fallback) && value.equals(fallback);
  if (typeof value !== 'object' || value === null || typeof fallback !== 'object' || fallback === null) return false;
  return Object.entries(fallback).every(([name, inner]) => {
    const given = (value as Record<string, unknown>)[name];
    return given === undefined || isDefault(given, inner);
  });
}
