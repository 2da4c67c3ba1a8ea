import { CONTENT_TYPE_ID, type JsonTypes, KEY_CONTENT_TYPE_ID, KEY_TYPE_ID, TYPE_ID } from './json-types.js';
import { type OutgoingHeaders } from './outgoing-headers.js';
import { WrongType } from './refusals.js';
import { type Deserializer, type Serde, type Serializer } from './serde.js';

// JSON with Spring's type headers. Values become text here; text becomes a plain value here, and an instance of a class
// where the listener's parameter, or the record, says which.

export interface JsonSerializerOptions {
  /** Classes with names on the wire. Default none. */
  readonly types?: JsonTypes | undefined;
  /**
   * Whether records name the class of their value (`__TypeId__`): `mapped` those that have a name on the wire, `true`
   * every instance of a class, `false` none. Default `mapped`: Spring's deserializer refuses names that it cannot find.
   */
  readonly addTypeHeaders?: 'mapped' | 'true' | 'false' | undefined;
  readonly isKey?: boolean;
  /** Makes of a value what JSON is written of: class-transformer's `instanceToPlain`, for example. */
  readonly toPlain?: ((value: any) => unknown) | undefined;
}

export function jsonSerializer(options: JsonSerializerOptions = {}): Serializer {
  const { toPlain } = options;
  const nameType = typeNaming(options);
  return (_topic, value, headers) => {
    if (value === null || value === undefined) return null;
    const text = JSON.stringify(toPlain === undefined ? value : toPlain(value));
    if (text === undefined) throw new WrongType('null for a tombstone, or something that JSON can write');
    nameType?.(value, headers);
    return text;
  };
}

export const jsonDeserializer: Deserializer = (_topic, bytes) => JSON.parse(bytes.toString()) as unknown;

/** JSON without types. */
export const JSON_SERDE: Serde = { serializer: jsonSerializer(), deserializer: jsonDeserializer };

/** Writes the type header; undefined where none is ever written. */
export function typeNaming({
  types,
  addTypeHeaders = 'mapped',
  isKey = false,
}: JsonSerializerOptions): ((value: unknown, headers: OutgoingHeaders) => void) | undefined {
  if (addTypeHeaders === 'false' || (addTypeHeaders === 'mapped' && (types?.isEmpty ?? true))) return undefined;
  const ofValue = isKey ? KEY_TYPE_ID : TYPE_ID;
  const ofContent = isKey ? KEY_CONTENT_TYPE_ID : CONTENT_TYPE_ID;
  const idOf = (value: unknown): string | undefined => {
    if (typeof value !== 'object' || value === null) return undefined;
    const type = value.constructor as { readonly name?: string } | undefined;
    const id = types?.idOf(type);
    if (id !== undefined || addTypeHeaders === 'mapped') return id;
    return type === undefined || PLAIN.has(type) ? undefined : type.name || undefined;
  };
  return (value, headers) => {
    if (!Array.isArray(value)) {
      const id = idOf(value);
      if (id !== undefined) headers.set(ofValue, id);
      return;
    }
    const id = idOf(value[0]);
    if (id === undefined) return;
    headers.set(ofValue, 'java.util.ArrayList');
    headers.set(ofContent, id);
  };
}

/** Classes that say nothing about a payload. */
const PLAIN = new Set<unknown>([Object, Array, Date, Map, Set]);
