import { type FilteredRecord } from './filtered-record.js';

/** What a function that names a reply's topic is asked with. */
export interface ReplyQuestion {
  /** The record that is answered; of a batch its first one. */
  readonly request: FilteredRecord;
  /** What the method returned; where an array is sent one by one, the element. */
  readonly result: unknown;
}

/** Topic of a reply by looking at it; undefined sends none. */
export type ReplyTopicFunction = (question: ReplyQuestion) => string | undefined;
