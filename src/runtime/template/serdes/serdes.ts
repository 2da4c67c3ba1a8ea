import {
  BOOLEAN,
  BYTES,
  DOUBLE,
  FLOAT,
  INTEGER,
  LONG,
  SHORT,
  STRING,
  STRING_OR_BYTES,
  TO_STRING,
  UUID_TEXT,
  VOID,
} from './basic-serdes.js';
import { JSON_SERDE } from './json-serde.js';

/**
 * The formats of keys and values, for templates and listeners that are given theirs in code (Kafka: `Serdes`); bytes
 * are those of the Java classes.
 */
export const Serdes = {
  string: STRING,
  bytes: BYTES,
  /** 4 bytes. */
  integer: INTEGER,
  /** 8 bytes; a number where it is safe, else a bigint. */
  long: LONG,
  /** 2 bytes. */
  short: SHORT,
  float: FLOAT,
  double: DOUBLE,
  boolean: BOOLEAN,
  /** The text of a UUID. */
  uuid: UUID_TEXT,
  /** Records without a value. */
  void: VOID,
  /** JSON without types; `jsonSerializer(options)` writes some. */
  json: JSON_SERDE,
  /** Text or bytes as they are; read as bytes. */
  stringOrBytes: STRING_OR_BYTES,
  /** The text that a value has. */
  text: TO_STRING,
} as const;
