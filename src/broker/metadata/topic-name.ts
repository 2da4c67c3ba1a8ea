import { type Refusal, refused } from './refusal.js';

// What a topic may be called, and which topics are the broker's own.

/** The metadata log itself: no client sees it. */
export const METADATA_TOPIC = '__cluster_metadata';
export const OFFSETS_TOPIC = '__consumer_offsets';
export const TRANSACTION_TOPIC = '__transaction_state';

const INTERNAL = new Set([OFFSETS_TOPIC, TRANSACTION_TOPIC, '__share_group_state']);
const MAX_LENGTH = 249;

/** Whether clients may read but not write the topic. */
export function isInternal(name: string): boolean {
  return INTERNAL.has(name);
}

/** Why the name is none for a topic; undefined when it is one. */
export function nameRefusal(name: string): Refusal | undefined {
  const why = nameMistake(name);
  return why === undefined ? undefined : refused('INVALID_TOPIC_EXCEPTION', `topic name '${name}': ${why}`);
}

function nameMistake(name: string): string | undefined {
  if (name === '') return 'it must not be empty';
  if (name === '.' || name === '..') return "it must not be '.' or '..'";
  if (name.length > MAX_LENGTH) return `it has ${name.length} characters, at most ${MAX_LENGTH} are allowed`;
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return "only letters, digits, '.', '_' and '-' are allowed";
  return undefined;
}
