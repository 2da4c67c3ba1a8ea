// What a check says about one setting: the core of the doctor's report.

/** Worst first: the verdict of a check is the first of these that one of its findings has. */
export const VERDICTS = ['fail', 'risk', 'not known', 'pass', 'not on one node', 'not used'] as const;

/**
 * `fail`: what is asked for does not hold. `risk`: it holds until something else goes wrong, or was given up on
 * purpose. `not known`: the cluster did not tell. `not on one node`: what only several nodes can have. `not used`:
 * nobody asked.
 */
export type Verdict = (typeof VERDICTS)[number];

/** One of those that a check looks at in turn. */
export interface Subject {
  readonly kind: 'topic' | 'producer' | 'node';
  readonly name: string;
}

export interface Finding {
  readonly verdict: Verdict;
  /** What it is about; absent for the connection as a whole, and for its plain producer. */
  readonly subject?: Subject;
  /** The key as it is written in the file, or as Kafka calls it; absent where no key decides. */
  readonly key?: string;
  readonly value?: string;
  /** Where the value comes from: `application.properties:3:31`, `default`, `set for the topic`. */
  readonly origin?: string;
  /** What follows from it. */
  readonly says: string;
  /** What to do about this one, where the check's own words would not do. */
  readonly fix?: string;
}

/** The worst of some verdicts; `not used` of none. */
export function worstOf(verdicts: readonly Verdict[]): Verdict {
  return VERDICTS.find((verdict) => verdicts.includes(verdict)) ?? 'not used';
}
