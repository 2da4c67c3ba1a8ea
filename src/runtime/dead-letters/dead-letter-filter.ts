import { type DeadLetter, type DeadLetterState } from './dead-letter.js';
import { textHeader } from './header-bytes.js';

/** Which dead letters are meant. Everything that is given must hold. */
export interface DeadLetterFilter {
  /** Dead-letter topics. Default: all topics whose name ends with `-dlt`. */
  readonly topics?: readonly string[];
  /** Topics that the records first failed in. */
  readonly originalTopics?: readonly string[];
  /** Consumer group that could not handle them. */
  readonly group?: string;
  /** Class of the error or of its first cause (of a Java name the last part is enough), or a part of its message. */
  readonly exception?: string;
  /** The whole key, as text. */
  readonly key?: string;
  /** A header that they have; with `value`, that has this value, as text. */
  readonly header?: { readonly name: string; readonly value?: string | undefined };
  /** Became dead letters at this time or later, ms since the epoch. */
  readonly since?: number;
  /** Before this time. */
  readonly until?: number;
  /** What was done about them. Default: nothing yet (`waiting`) or not all of it (`replaying`). */
  readonly states?: readonly DeadLetterState[];
}

const OPEN: readonly DeadLetterState[] = ['waiting', 'replaying'];

export function matchesFilter(letter: DeadLetter, filter: DeadLetterFilter): boolean {
  const { originalTopics, group, exception, key, header, since, until, states = OPEN } = filter;
  if (!states.includes(letter.state)) return false;
  if (since !== undefined && letter.timestamp < since) return false;
  if (until !== undefined && letter.timestamp >= until) return false;
  if (key !== undefined && letter.key?.toString() !== key) return false;
  if (group !== undefined && letter.original.consumerGroup !== group) return false;
  if (originalTopics !== undefined && !originalTopics.includes(letter.original.topic ?? '')) return false;
  if (exception !== undefined && !isException(letter, exception)) return false;
  return header === undefined || hasHeader(letter, header);
}

function isException({ exception: { name, cause, message } }: DeadLetter, wanted: string): boolean {
  const isClass = (given: string | undefined) =>
    given === wanted || given?.slice(given.lastIndexOf('.') + 1) === wanted;
  return isClass(name) || isClass(cause) || (message?.includes(wanted) ?? false);
}

function hasHeader(letter: DeadLetter, { name, value }: NonNullable<DeadLetterFilter['header']>): boolean {
  if (value === undefined) return letter.headers.some(({ key }) => key === name);
  return textHeader(letter, name) === value;
}
