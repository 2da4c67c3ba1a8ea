import { classNamesOf } from '../../common/error-class.js';
import { messageOf } from '../../common/errors.js';

// What an error says about itself, in the words of Java's exceptions.

export interface ErrorStory {
  /** Class of what was thrown. */
  readonly name: string;
  /** Class of the first cause; that of the error itself when nothing caused it. */
  readonly rootName: string;
  /** Message of what was thrown and, behind `; `, of the first cause. */
  readonly message: string;
  readonly stacktrace: string;
}

/** A stack is for people: what no one reads must not make a record too large for its topic. */
const MOST_STACK = 32_768;

export function storyOf(error: unknown): ErrorStory {
  const chain = causesOf(error);
  const root = chain.at(-1);
  const message = chain.length > 1 ? joined(messageOf(error), messageOf(root)) : messageOf(error);
  return { name: nameOf(error), rootName: nameOf(root), message, stacktrace: stacksOf(chain) };
}

/** The error and its causes, outermost first. */
export function causesOf(error: unknown): unknown[] {
  const chain: unknown[] = [error];
  for (;;) {
    const at = chain.at(-1);
    const cause: unknown = typeof at === 'object' && at !== null ? (at as { cause?: unknown }).cause : undefined;
    if (cause === undefined || cause === null || chain.includes(cause)) return chain;
    chain.push(cause);
  }
}

/** Name of the class of anything that can be thrown. */
export function nameOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return typeof error;
  const { name } = error as { name?: unknown };
  if (typeof name === 'string' && name !== '' && name !== 'Error') return name;
  return classNamesOf(error)[0] || 'Error';
}

function joined(outer: string, inner: string): string {
  if (outer === '') return inner;
  return inner === '' ? outer : `${outer}; ${inner}`;
}

function stacksOf(chain: readonly unknown[]): string {
  const stacks = chain.map(
    (error) => (error instanceof Error && error.stack) || `${nameOf(error)}: ${messageOf(error)}`,
  );
  return stacks.join('\nCaused by: ').slice(0, MOST_STACK);
}
