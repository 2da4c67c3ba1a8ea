import { type ProducerSettings } from '../../../runtime/client/producer/producer-options.js';
import { type ConfigName } from '../../../runtime/config/config-keys.js';
import { NO_LOSS, NO_LOSS_NAMES, type NoLossName } from '../../../runtime/config/no-loss.js';
import { type Check } from '../check.js';
import { type Facts, type ProducerFacts } from '../facts.js';
import { type Finding } from '../finding.js';
import { ofProducers, time, toldOfProducer } from '../told-settings.js';

// Whether what is sent arrives: each producer of the connection.

const ALL = -1;

/** What a check says of each producer, beside the key that it is about. */
type Judge = (
  producer: ProducerFacts,
) => Pick<Finding, 'verdict' | 'says' | 'fix' | 'value'> & { readonly key: ConfigName };

function ofEach(judge: Judge): (facts: Facts) => Finding[] {
  return (facts) =>
    ofProducers(facts, (producer) => {
      const { key, ...finding } = judge(producer);
      return { ...toldOfProducer(facts, producer, key), ...finding };
    });
}

export const CALLBACK: Check = {
  id: 'callback',
  area: 'loss',
  asks: 'configuration',
  question: 'Is a send that fails seen?',
  why: 'A lost record that nobody hears of is missed weeks later, by a customer.',
  fix: 'Set acks=all; await sends, or hear of them in a producer listener (onError).',
  evaluate: ofEach(({ settings: { acks } }) =>
    acks === 0
      ? {
          verdict: 'fail',
          key: 'producer.acks',
          says: 'brokers do not answer: a send resolves although its record is lost',
        }
      : {
          verdict: 'pass',
          key: 'producer.on-delivery-failure',
          says: 'a send that fails rejects; where nobody waits for it, it is counted and logged with topic and key',
        },
  ),
};

export const ACKS: Check = {
  id: 'acks',
  area: 'loss',
  asks: 'configuration',
  question: 'Does a send wait until all in-sync copies have the record?',
  why: 'A leader that dies takes with it what it alone has acknowledged.',
  fix: 'Set acks=all, or remove the line: it is the default.',
  evaluate: ofEach(({ settings: { acks } }) => {
    const key = 'producer.acks';
    if (acks === ALL) return { verdict: 'pass', key, says: 'all in-sync copies have what was acknowledged' };
    if (acks === 1)
      return {
        verdict: 'risk',
        key,
        says: 'acknowledged by the leader alone: lost if it dies before the others copied',
      };
    return { verdict: 'fail', key, says: 'nobody acknowledges: whatever happens, the record counts as sent' };
  }),
};

export const RETRIES: Check = {
  id: 'retries',
  area: 'loss',
  asks: 'configuration',
  question: 'Is a send tried again until delivery.timeout.ms?',
  why: 'A new leader takes seconds; what is given up before that is lost although nothing is broken.',
  fix: 'Remove retries: delivery.timeout.ms is the limit that counts.',
  evaluate: ofEach(({ settings }) => {
    const key = 'producer.retries';
    const { retries, deliveryTimeoutMs } = settings;
    const patience = patienceMs(settings);
    if (retries === 0) return { verdict: 'risk', key, says: 'the first hiccup of a broker fails the send' };
    if (patience >= deliveryTimeoutMs) return { verdict: 'pass', key, says: `goes on for ${time(deliveryTimeoutMs)}` };
    return {
      verdict: 'risk',
      key,
      says: `gives up after about ${time(patience)} of refusals, not after delivery.timeout.ms=${time(deliveryTimeoutMs)}`,
    };
  }),
};

/** Ms that all retries wait, one after the other. */
export function patienceMs({ retries, retryBackoffMs, retryBackoffMaxMs }: ProducerSettings): number {
  let delay = Math.min(retryBackoffMs, retryBackoffMaxMs);
  let sum = 0;
  let left = retries;
  for (; left > 0 && delay > 0 && delay < retryBackoffMaxMs; left--) {
    sum += delay;
    delay = Math.min(retryBackoffMaxMs, 2 * delay);
  }
  return sum + left * delay;
}

const IDEMPOTENCE: Check = {
  id: 'idempotence',
  area: 'sending',
  asks: 'configuration',
  question: 'Is a record that is sent again stored once, and in order?',
  why: 'A batch whose answer got lost is stored twice, and may be overtaken by those behind it.',
  fix: 'Remove what stands in its way: it needs acks=all, retries, and at most five requests in flight.',
  evaluate: ofEach(({ settings }) => {
    const key = 'producer.properties.enable.idempotence';
    const { enableIdempotence, maxInFlightRequestsPerConnection: inFlight, acks, retries } = settings;
    if (enableIdempotence) return { verdict: 'pass', key, says: 'brokers know each batch of a producer by its number' };
    const given = [
      acks === ALL ? '' : `acks=${acks}`,
      retries === 0 ? 'retries=0' : '',
      inFlight > 5 ? `in flight=${inFlight}` : '',
    ];
    const reasons = given.filter((reason) => reason !== '').join(', ');
    const why = reasons === '' ? 'off' : `off, since it gives way to ${reasons}`;
    const order = inFlight > 1 ? `, and out of order with ${inFlight} requests in flight` : '';
    return { verdict: 'risk', key, value: 'false', says: `${why}: what is sent again may be stored twice${order}` };
  }),
};

/** What a producer has of each that the profile sets. */
const ACTUAL: { readonly [N in NoLossName]: (settings: ProducerSettings) => string | number | boolean } = {
  'producer.acks': ({ acks }) => (acks === ALL ? 'all' : acks),
  'producer.retries': ({ retries }) => retries,
  'producer.properties.max.in.flight.requests.per.connection': (settings) => settings.maxInFlightRequestsPerConnection,
  'producer.properties.enable.idempotence': ({ enableIdempotence }) => enableIdempotence,
  'producer.on-delivery-failure': ({ onDeliveryFailure }) => onDeliveryFailure,
};

/** As in Kafka's documentation. */
function plainName(name: NoLossName): string {
  return name.replace(/^producer\.(properties\.)?/, '');
}

const PROFILE: Check = {
  id: 'no-loss',
  area: 'sending',
  asks: 'configuration',
  question: 'Is the profile no-loss in force, where it is asked for?',
  why: 'It promises that what was sent is stored, once and in order, or that sending stops.',
  fix: 'Remove the keys that contradict the profile.',
  evaluate: (facts) => ofProducers(facts, (producer) => recipeOf(facts, producer)),
};

function recipeOf(facts: Facts, producer: ProducerFacts): Finding {
  const profile = toldOfProducer(facts, producer, 'producer.profile');
  const differing = NO_LOSS_NAMES.filter((name) => ACTUAL[name](producer.settings) !== NO_LOSS[name]);
  const differences = differing.map(
    (name) => `${plainName(name)}=${ACTUAL[name](producer.settings)}, not ${NO_LOSS[name]}`,
  );
  if (producer.properties.get('producer.profile') !== 'no-loss') {
    const says = differing.length === 0 ? 'all that it sets is set' : `it would change ${differences.join('; ')}`;
    return { ...profile, verdict: 'not used', says };
  }
  if (differing.length > 0) return { ...profile, verdict: 'fail', says: `the producer has ${differences.join('; ')}` };
  const has = NO_LOSS_NAMES.map((name) => `${plainName(name)}=${NO_LOSS[name]}`).join(', ');
  return { ...profile, verdict: 'pass', says: `the producer has ${has}` };
}

export const SENDING_CHECKS: readonly Check[] = [IDEMPOTENCE, PROFILE];
