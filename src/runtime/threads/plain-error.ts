import { classNamesOf, noteClasses } from '../../common/error-class.js';
import { NestdawError, type NestdawErrorCode } from '../../common/errors.js';

// Errors as plain data, and back. Structured cloning alone would lose codes, own properties and what is no Error.

/** A thrown value on its way between threads. */
export interface PlainError {
  readonly kind: 'nestdaw' | 'error' | 'value';
  readonly name: string;
  /** Its class and those that it extends. */
  readonly classes: readonly string[];
  readonly message: string;
  readonly stack: string | undefined;
  readonly retriable: boolean;
  /** Own properties that can cross, `code` among them. */
  readonly own: Readonly<Record<string, unknown>>;
  readonly cause: PlainError | undefined;
}

const MAX_DEPTH = 8;
const NOT_OWN = new Set(['name', 'message', 'stack', 'cause', 'retriable']);

const BUILT_IN: Readonly<Record<string, new (message: string) => Error>> = {
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  URIError,
  EvalError,
};

export function toPlainError(thrown: unknown, depth = 0): PlainError {
  if (!(thrown instanceof Error)) {
    return { ...EMPTY, kind: 'value', own: isPlain(thrown) ? { value: thrown } : { value: String(thrown) } };
  }
  const isOurs = thrown instanceof NestdawError;
  return {
    kind: isOurs ? 'nestdaw' : 'error',
    name: thrown.name,
    classes: classNamesOf(thrown),
    message: thrown.message,
    stack: thrown.stack,
    retriable: isOurs && thrown.retriable,
    own: ownProperties(thrown),
    cause: thrown.cause === undefined || depth === MAX_DEPTH ? undefined : toPlainError(thrown.cause, depth + 1),
  };
}

/** An error of the same name, code and properties; of the same class where that is ours or JavaScript's own. */
export function fromPlainError(plain: PlainError): unknown {
  if (plain.kind === 'value') return plain.own.value;
  const error = plain.kind === 'nestdaw' ? ours(plain) : foreign(plain);
  Object.assign(error, plain.own);
  setHidden(error, 'name', plain.name);
  noteClasses(error, plain.classes);
  if (plain.stack !== undefined) setHidden(error, 'stack', plain.stack);
  return error;
}

const EMPTY: PlainError = {
  kind: 'value',
  name: '',
  classes: [],
  message: '',
  stack: undefined,
  retriable: false,
  own: {},
  cause: undefined,
};

function ours({ message, own, retriable, cause }: PlainError): Error {
  const code = own.code as NestdawErrorCode;
  return new NestdawError(code, message, {
    retriable,
    ...(cause === undefined ? {} : { cause: fromPlainError(cause) }),
  });
}

function foreign({ name, message, cause }: PlainError): Error {
  const error = new (BUILT_IN[name] ?? Error)(message);
  if (cause !== undefined) setHidden(error, 'cause', fromPlainError(cause));
  return error;
}

function ownProperties(error: Error): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(error)) {
    if (!NOT_OWN.has(name) && isPlain(value)) own[name] = value;
  }
  return own;
}

function isPlain(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false; // functions, sockets and the like stay where they are
  }
}

function setHidden(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, writable: true, configurable: true, enumerable: false });
}
