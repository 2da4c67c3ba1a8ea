import { createRequire } from 'node:module';
import { buildRoot } from '#here';
import { messageOf, NestdawError } from '../../../../common/errors.js';

// What is used of the package avsc, which the application brings.

/** A type of avsc. */
export interface AvroType {
  /** Full name of a record, enum or fixed. */
  readonly name?: string | undefined;
  /** Writes at the position; gives the next one, or what was lacking as a negative number. */
  encode(value: unknown, target: Buffer, position: number): number;
  fromBuffer(bytes: Buffer, resolver?: object): unknown;
  createResolver(writer: AvroType): object;
  isValid(
    value: unknown,
    options: { errorHook(path: readonly string[], value: unknown, type: AvroType): void },
  ): boolean;
  toString(): string;
}

interface Avsc {
  readonly Type: { forSchema(schema: unknown, options: object): AvroType };
}

/** Throws KAFKA_CONFIG_INVALID when avsc is not installed. */
export function loadAvsc(): Avsc {
  try {
    return createRequire(buildRoot)('avsc') as Avsc;
  } catch (cause) {
    const message = 'Avro needs the package avsc, which is not installed: npm install avsc';
    throw new NestdawError('KAFKA_CONFIG_INVALID', message, { cause });
  }
}

/** The type of a schema's text. Throws KAFKA_CONFIG_INVALID for what is none; `what` says whose it is. */
export function avroType({ Type }: Avsc, text: string, what: string, options: object): AvroType {
  try {
    return Type.forSchema(JSON.parse(text), { ...options });
  } catch (cause) {
    throw new NestdawError('KAFKA_CONFIG_INVALID', `${what} is no Avro schema: ${messageOf(cause)}`, { cause });
  }
}

/** The first place where a value does not fit its type: `amount: "ten" is no int`. */
export function misfitOf(type: AvroType, value: unknown): string | undefined {
  let found: string | undefined;
  type.isValid(value, {
    errorHook: (path, wrong, wanted) => {
      const given = typeof wrong === 'bigint' ? `${wrong}n` : String(JSON.stringify(wrong)).slice(0, 60);
      found ??= `${path.join('.') || 'the value'}: ${given} is no ${wanted.toString().slice(0, 120)}`;
    },
  });
  return found;
}
