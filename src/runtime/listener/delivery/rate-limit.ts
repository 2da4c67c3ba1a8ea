import { type Clock } from '../../../common/clock.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type RateOptions, TokenRate } from '../../dispatch/token-rate.js';
import { type Admission, type AdmissionRule } from './admission.js';

// How many records a listener may begin in a second, in all or of each key. What waits for its turn keeps no worker.

export interface RateLimit extends RateOptions {
  /** True: of each key (of each partition, for records without one). Default false: of the listener, all consumers. */
  readonly perKey?: boolean;
}

/** Keys whose rate is remembered before those that rest are looked for. */
const MANY_KEYS = 10_000;

export function rateLimit(limit: RateLimit, clock: Clock): AdmissionRule {
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

/** One rule after the other: the first that has something to say counts. */
export function bothRules(
  first: AdmissionRule | undefined,
  second: AdmissionRule | undefined,
): AdmissionRule | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return (record) => first(record) ?? second(record);
}
