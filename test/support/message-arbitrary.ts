import fc from 'fast-check';
import { type Field, type FieldSpec, type Fields, type FieldType } from '../../src/protocol/schema.js';

// Random messages of any table and version, complete as a reader returns them: what the version does not have
// holds its default, so that decode(encode(message)) must give back the very same.

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const someBytes = fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes));
const longBytes = fc.integer({ min: 1020, max: 3000 }).map((length) => Buffer.alloc(length, 7));

export function messageArbitrary(
  fields: Fields,
  version: number,
  flexible: boolean,
): fc.Arbitrary<Record<string, unknown>> {
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [name, field] of Object.entries(fields)) model[name] = fieldArbitrary(field, version, flexible);
  return fc.record(model, { noNullPrototype: true });
}

/** A message whose every field has its default. */
export function defaultMessage(fields: Fields, version: number): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, { spec }]) => [name, defaultOf(spec, version)]));
}

function fieldArbitrary({ spec }: Field, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  const present = version >= spec.from && version <= spec.to && (spec.tag === undefined || flexible);
  if (!present) return fc.constant(defaultOf(spec, version));
  const values = typeArbitrary(spec.type, version, flexible);
  const nullable = version >= spec.nullableFrom ? fc.option(values, { nil: null, freq: 4 }) : values;
  if (spec.tag === undefined) return nullable;
  return fc.oneof(nullable, fc.constant(defaultOf(spec, version)));
}

function typeArbitrary(type: FieldType, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'i8':
      return fc.integer({ min: -0x80, max: 0x7f });
    case 'i16':
      return fc.integer({ min: -0x8000, max: 0x7fff });
    case 'u16':
      return fc.integer({ min: 0, max: 0xffff });
    case 'i32':
      return fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
    case 'u32':
      return fc.integer({ min: 0, max: 0xffff_ffff });
    case 'i64':
      return fc.maxSafeInteger();
    case 'i64Exact':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case 'f64':
      return fc.double({ noNaN: true });
    case 'bool':
      return fc.boolean();
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64url'));
    case 'string':
      return text;
    case 'bytes':
      return someBytes;
    case 'records':
      return fc.oneof(someBytes, longBytes);
    case 'array': {
      const element = fieldArbitrary(type.element, version, flexible);
      return fc.array(element, { maxLength: 2 });
    }
    case 'struct':
      return messageArbitrary(type.fields, version, flexible);
  }
}

function defaultOf(spec: FieldSpec, version: number): unknown {
  if (spec.type.kind === 'struct' && spec.fallback === undefined) return defaultMessage(spec.type.fields, version);
  if (spec.fallback !== null || version >= spec.nullableFrom) return spec.fallback;
  switch (spec.type.kind) {
    case 'string':
      return '';
    case 'array':
      return [];
    default:
      return Buffer.alloc(0);
  }
}
