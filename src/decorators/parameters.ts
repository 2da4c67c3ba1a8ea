import 'reflect-metadata';
import { type PipeTransform, type Type } from '@nestjs/common';
import { PARAMETER_KINDS, PARAMETERS, type ParameterKind } from './metadata-keys.js';

// Decorators of a listener's parameters: which part of the record goes where.

/** A pipe, or the class of one. */
export type ParameterPipe = PipeTransform | Type<PipeTransform>;

/**
 * The record's value, converted to the parameter's type: a class is made with class-transformer and validated with
 * class-validator, `string` is the UTF-8 text, `Buffer` the bytes, anything else parsed JSON. A tombstone is `null`.
 * In a batch listener the array of all values. The first parameter without a decorator is the payload too.
 *
 * @param property takes one property of the payload instead of all of it
 * @param pipes run after the conversion
 */
export function Payload(property: string, ...pipes: ParameterPipe[]): ParameterDecorator;
export function Payload(...pipes: ParameterPipe[]): ParameterDecorator;
export function Payload(first?: string | ParameterPipe, ...pipes: ParameterPipe[]): ParameterDecorator {
  return parameter('payload', first, pipes);
}

/**
 * The record's key: UTF-8 text, the bytes where the parameter is a `Buffer`, a number where it is `number`; or null.
 */
export function Key(...pipes: ParameterPipe[]): ParameterDecorator {
  return parameter('key', undefined, pipes);
}

/** What becomes of a record that does not have a header. */
export interface HeaderOptions {
  /** True: the record fails for good, with the header's name (Spring's default). Default false: it is undefined. */
  readonly required?: boolean;
  /** Given instead of a missing header, whatever `required` says. */
  readonly defaultValue?: unknown;
}

/**
 * One header, the last of that name, as the parameter is declared: UTF-8 text, the bytes where it is a `Buffer`, a
 * `number`, `boolean`, `bigint` or `Date` (of ms or of ISO text) read from the text. Of an array (outside of batches)
 * all headers of that name. In a batch listener an array with one for each record. Undefined where it is missing.
 *
 * The names of `KafkaHeaders` that are marked as offered give what the record, its group and its listener are about:
 * topic, partition, offset, timestamp, group, info, attempt. Numbers that Spring writes as big-endian bytes (those of
 * dead letters and retry topics) are read as such.
 */
export function Header(name: string, options: HeaderOptions, ...pipes: ParameterPipe[]): ParameterDecorator;
export function Header(name: string, ...pipes: ParameterPipe[]): ParameterDecorator;
export function Header(
  name: string,
  first?: HeaderOptions | ParameterPipe,
  ...pipes: ParameterPipe[]
): ParameterDecorator {
  const isPipe = first !== undefined && (typeof first === 'function' || 'transform' in first);
  if (isPipe) return parameter('header', name, [first, ...pipes]);
  return parameter('header', name, pipes, first);
}

/** All headers as an object of UTF-8 texts (null where the header has no value); the last of a name wins. */
export function Headers(...pipes: ParameterPipe[]): ParameterDecorator {
  return parameter('headers', undefined, pipes);
}

/** The `Acknowledgment`, under the ack modes MANUAL and MANUAL_IMMEDIATE; elsewhere an error at start. */
export function Ack(): ParameterDecorator {
  return parameter('acknowledgment', undefined, []);
}

/**
 * The raw `KafkaRecord`, unconverted; its bytes are only lent: copy to keep. In a batch listener an array of them, or
 * `ConsumerRecords` where the parameter is declared so.
 */
export function Record(...pipes: ParameterPipe[]): ParameterDecorator {
  return parameter('record', undefined, pipes);
}

/**
 * Payload and headers together, a `KafkaMessage` (an array of them in a batch listener); the payload is converted as
 * `@Payload()` does it, to the class that `payload` of the listener names. Its headers are those of the record (text,
 * or bytes that are no UTF-8) and those that `KafkaHeaders` marks as offered about a record: `template.send(message)`
 * sends it on once it has a header `KafkaHeaders.TOPIC`. Spring: `Message<T>`, `List<Message<T>>`.
 */
export function Message(...pipes: ParameterPipe[]): ParameterDecorator {
  return parameter('message', undefined, pipes);
}

/** The `KafkaListenerContext`: what guards and interceptors see of the call; `@Ctx()` of Nest gives it too. */
export function Context(): ParameterDecorator {
  return parameter('context', undefined, []);
}

/** An `AbortSignal` that fires when the partition must be given up at once: stop, and throw. */
export function Signal(): ParameterDecorator {
  return parameter('signal', undefined, []);
}

/** The `ListenerConsumer` that the record came from: positions, seek, pause, commit. */
export function Consumer(): ParameterDecorator {
  return parameter('consumer', undefined, []);
}

/**
 * The `SqlTransaction` that the record is handled in, of a listener whose message ids (`@Idempotent`) or offsets
 * (`@ExternalOffsets`) are kept in the application's SQL database. What is written through it, or through its `client`,
 * is committed together with them, or not at all.
 */
export function Sql(): ParameterDecorator {
  return parameter('sql', undefined, []);
}

function parameter(
  kind: ParameterKind,
  first: string | ParameterPipe | undefined,
  rest: ParameterPipe[],
  options?: HeaderOptions,
) {
  const data = typeof first === 'string' ? first : undefined;
  const pipes = first === undefined || typeof first === 'string' ? rest : [first, ...rest];
  return (target: object, name: string | symbol | undefined, index: number): void => {
    if (name === undefined) throw new TypeError(`@${kind} belongs on a method's parameter, not on a constructor's`);
    const holder = target.constructor;
    // Own copy: a subclass that overrides a method must not write into its parent's parameters.
    const known = (Reflect.getMetadata(PARAMETERS, holder, name) ?? {}) as object;
    const entry = { index, data, pipes, ...(options === undefined ? {} : { options }) };
    Reflect.defineMetadata(PARAMETERS, { ...known, [`${PARAMETER_KINDS[kind]}:${index}`]: entry }, holder, name);
  };
}
