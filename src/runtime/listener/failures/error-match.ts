import { causesOf, hasCode, type NestdawErrorCode } from '../../../common/errors.js';

// Which errors a rule is for. Errors are looked through to their causes: what a handler throws is often wrapped.

/** A class of errors, a code of this library's errors, or a function that says yes. */
export type ErrorMatch = (abstract new (...args: never[]) => Error) | NestdawErrorCode | ((error: unknown) => boolean);

/** Whether the error, or one that caused it, matches one of them. */
export function matchesError(error: unknown, matches: readonly ErrorMatch[]): boolean {
  if (matches.length === 0) return false;
  if (matches.some((match) => matchesOne(error, match))) return true;
  if ((error as { cause?: unknown } | null | undefined)?.cause === undefined) return false;
  for (const cause of causesOf(error)) if (matches.some((match) => matchesOne(cause, match))) return true;
  return false;
}

function matchesOne(error: unknown, match: ErrorMatch): boolean {
  if (typeof match === 'string') return hasCode(error, match);
  if (isErrorClass(match)) return error instanceof match;
  return match(error);
}

function isErrorClass(match: object): match is abstract new (...args: never[]) => Error {
  return match === Error || (match as { prototype?: unknown }).prototype instanceof Error;
}
