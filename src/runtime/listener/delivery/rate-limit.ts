import { type Clock } from '../../../common/clock.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type RateOptions, TokenRate } from '../../dispatch/token-rate.js';
import { type Admission, type AdmissionRule } from './admission.js';

// How many records a listener may begin in a second, in all or of each key. What waits for its turn keeps no worker.

export interface RateLimit extends RateOptions {
  /**
   * True: of each key (of each partition, for records without one). Default false: of the listener, all consumers;
   * consumers in threads of their own have equal parts of it.
   */
  readonly perKey?: boolean;
}

/** Keys whose rate is remembered before those that rest are looked for. */
const MANY_KEYS = 10_000;

function rateLimit(limit: RateLimit, clock: Clock): AdmissionRule {
  const turns = new WeakMap<KafkaRecord, number>();
  const rateOf = limit.perKey === true ? ratesByKey(limit) : always(new TokenRate(limit));
  return (record): Admission | undefined => {
    const now = clock.now();
    const known = turns.get(record);
    if (known !== undefined) {
      if (known > now) return { action: 'wait', until: known };
      turns.delete(record);
      return undefined;
    }
    const turn = rateOf(record, now).reserve(now);
    if (turn <= now) return undefined;
    turns.set(record, turn);
    return { action: 'wait', until: turn };
  };
}

function always(rate: TokenRate): () => TokenRate {
  return () => rate;
}

function ratesByKey(limit: RateLimit): (record: KafkaRecord, now: number) => TokenRate {
  const rates = new Map<string, TokenRate>();
  let sweepAt = MANY_KEYS;
  return ({ topic, partition, key }, now) => {
    const name = key === null ? `${topic}-${partition}` : `${topic} ${key.toString('latin1')}`;
    let rate = rates.get(name);
    if (rate === undefined) {
      if (rates.size >= sweepAt) {
        for (const [other, one] of rates) if (one.isFresh(now)) rates.delete(other);
        sweepAt = Math.max(MANY_KEYS, rates.size * 2);
      }
      rate = new TokenRate(limit);
      rates.set(name, rate);
    }
    return rate;
  };
}

/**
 * What is asked before a record of a container runs: its own rule, then its rate. `threads`: the listener's rate is
 * divided among so many that do not see each other; the records of a key all come to one of them.
 */
export function admissionOf(
  { admission, rate }: { readonly admission?: AdmissionRule | undefined; readonly rate?: RateLimit | undefined },
  clock: Clock,
  threads = 1,
): AdmissionRule | undefined {
  const rated = rate && rateLimit(rate.perKey === true ? rate : partOf(rate, threads), clock);
  if (admission === undefined || rated === undefined) return admission ?? rated;
  return (record) => admission(record) ?? rated(record);
}

function partOf({ perSecond, burst = 1 }: RateLimit, threads: number): RateLimit {
  return { perSecond: perSecond / threads, burst: Math.max(1, Math.floor(burst / threads)) };
}
