import { ZERO_UUID } from './wire-reader.js';

// The language in which messages are written down: a table of fields, each with its type, the versions that have
// it, its default and its tag. Types follow from the tables, codecs are compiled from them (schema-compiler.ts).

export type PrimitiveKind =
  | 'i8'
  | 'i16'
  | 'u16'
  | 'i32'
  | 'u32'
  | 'i64'
  | 'i64Exact'
  | 'f64'
  | 'bool'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records';

export type FieldType =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: 'array'; readonly element: Field }
  | { readonly kind: 'struct'; readonly fields: Fields };

export interface FieldSpec {
  readonly type: FieldType;
  readonly from: number;
  readonly to: number;
  readonly nullableFrom: number;
  readonly tag: number | undefined;
  readonly fallback: unknown;
}

/** A field of type `Out` when read and `In` when written; `Optional` fields may be left out when writing. */
export class Field<Out = any, In = any, Optional extends boolean = boolean> {
  declare readonly out: Out;
  declare readonly in: In;
  declare readonly optional: Optional;

  constructor(readonly spec: FieldSpec) {}

  #with<O, I, P extends boolean>(change: Partial<FieldSpec>): Field<O, I, P> {
    return new Field<O, I, P>({ ...this.spec, ...change });
  }

  /** Present from this version on. */
  since(from: number): Field<Out, In, true> {
    return this.#with({ from });
  }

  /** Present up to and including this version. */
  until(to: number): Field<Out, In, true> {
    return this.#with({ to });
  }

  /** Null is allowed, from version `from` on; null is then also the default. */
  nullable(from = 0): Field<Out | null, In | null, true> {
    return this.#with({ nullableFrom: from, fallback: null });
  }

  /** The value that stands for "not said". */
  or(fallback: Out): Field<Out, In, true> {
    return this.#with({ fallback });
  }

  /** Lives in the tagged section under this number. */
  tag(tag: number): Field<Out, In, true> {
    return this.#with({ tag });
  }
}

export type Fields = Readonly<Record<string, Field>>;

/** A message as it is read: every field is there, with its default where the version does not have it. */
export type MessageOf<F extends Fields> = { [K in keyof F]: F[K]['out'] };

type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K]['optional'] extends true ? K : never }[keyof F];

/** A message as it is written: fields with a default, and those of some versions only, may be left out. */
export type InputOf<F extends Fields> = { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: F[K]['in'] } & {
  readonly [K in OptionalKeys<F>]?: F[K]['in'];
};

const ALWAYS = { from: 0, to: Number.POSITIVE_INFINITY, nullableFrom: Number.POSITIVE_INFINITY, tag: undefined };

function primitive<T>(kind: PrimitiveKind, fallback: T): Field<T, T, false> {
  return new Field({ type: { kind }, ...ALWAYS, fallback });
}

export const i8 = primitive('i8', 0);
export const i16 = primitive('i16', 0);
export const u16 = primitive('u16', 0);
export const i32 = primitive('i32', 0);
export const u32 = primitive('u32', 0);
/** An int64 as a number: offsets, timestamps, sizes. */
export const i64 = primitive('i64', 0);
/** An int64 as a bigint: opaque ids that are compared and echoed. */
export const i64Exact = primitive('i64Exact', 0n);
export const f64 = primitive('f64', 0);
export const bool = primitive('bool', false);
/** A topic id in its 22-character text form. */
export const uuid = primitive('uuid', ZERO_UUID);
export const str = primitive('string', '');
export const bytes = primitive<Buffer>('bytes', Buffer.alloc(0));
/** Record batches: read as one slice of the frame, written as one buffer or several. */
export const records: Field<Buffer, Buffer | readonly Buffer[], false> = new Field({
  type: { kind: 'records' },
  ...ALWAYS,
  fallback: Buffer.alloc(0),
});

/** An array of one primitive, or of structs given by their table. */
export function array<F extends Fields>(fields: F): Field<MessageOf<F>[], readonly InputOf<F>[], false>;
export function array<O, I>(element: Field<O, I, boolean>): Field<O[], readonly I[], false>;
export function array(element: Field | Fields): Field {
  const field = element instanceof Field ? element : struct(element);
  return new Field({ type: { kind: 'array', element: field }, ...ALWAYS, fallback: [] });
}

/** One struct inside another. */
export function struct<F extends Fields>(fields: F): Field<MessageOf<F>, InputOf<F>, false> {
  return new Field({ type: { kind: 'struct', fields }, ...ALWAYS, fallback: undefined });
}

/** Smallest int32: "not asked for" in authorized operations. */
export const MIN_I32 = -0x8000_0000;
