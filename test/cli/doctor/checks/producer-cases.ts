import { type Facts } from '../../../../src/cli/doctor/facts.js';
import { factsOf } from '../../../support/doctor-facts.js';
import { type CheckCases, fails, isNotUsed, passes, risks } from './check-case.js';

/** What the configuration's rules keep from happening. */
function contradicted(): Facts {
  const facts = factsOf({ 'producer.profile': 'no-loss' });
  const [plain] = facts.producers;
  return { ...facts, producers: [{ ...plain!, settings: { ...plain!.settings, acks: 1 } }] };
}

export const PRODUCER_CASES: CheckCases = {
  callback: [
    passes('brokers answer', factsOf(), {
      key: 'kafka.producer.on-delivery-failure',
      value: 'continue',
      origin: 'default',
    }),
    fails('brokers do not answer', factsOf({ 'producer.acks': '0' }), {
      key: 'kafka.producer.acks',
      value: '0',
      origin: 'a.properties',
    }),
  ],
  acks: [
    passes('it is the default', factsOf(), { key: 'kafka.producer.acks', value: 'all', origin: 'default' }),
    risks('the leader alone acknowledges', factsOf({ 'producer.acks': '1' }), {
      key: 'kafka.producer.acks',
      value: '1',
      origin: 'a.properties',
    }),
    fails('nobody acknowledges', factsOf({ 'producer.acks': '0' }), { key: 'kafka.producer.acks', value: '0' }),
    risks('a producer with a name has its own', factsOf({ 'producers.bulk.acks': '1' }), {
      verdict: 'risk',
      subject: { kind: 'producer', name: 'bulk' },
      key: 'kafka.producers.bulk.acks',
      value: '1',
      origin: 'a.properties',
    }),
  ],
  retries: [
    passes('it is the default', factsOf(), {
      key: 'kafka.producer.retries',
      value: '2147483647',
      says: 'goes on for 2m',
    }),
    risks('there are none', factsOf({ 'producer.retries': '0' }), {
      key: 'kafka.producer.retries',
      value: '0',
      origin: 'a.properties',
      says: 'the first hiccup of a broker fails the send',
    }),
    // 100, 200, 400, 800, then 1,000 each.
    risks('they end before the time', factsOf({ 'producer.retries': '10' }), {
      says: 'gives up after about 7500ms of refusals, not after delivery.timeout.ms=2m',
    }),
    passes(
      'they last for the time',
      factsOf({
        'producer.retries': '10',
        'producer.properties.delivery.timeout.ms': '7s',
        'producer.properties.request.timeout.ms': '5s',
      }),
      { says: 'goes on for 7s' },
    ),
  ],
  idempotence: [
    passes('it is on', factsOf(), { value: 'true' }),
    risks('it is switched off', factsOf({ 'producer.properties.enable.idempotence': 'false' }), {
      value: 'false',
      says: 'off: what is sent again may be stored twice, and out of order with 5 requests in flight',
    }),
    risks(
      'it gives way',
      factsOf({ 'producer.acks': '1', 'producer.properties.max.in.flight.requests.per.connection': '1' }),
      { value: 'false', says: 'off, since it gives way to acks=1: what is sent again may be stored twice' },
    ),
  ],
  'no-loss': [
    isNotUsed('it is not asked for', factsOf(), {
      key: 'kafka.producer.profile',
      says: 'it would change max.in.flight.requests.per.connection=5, not 1; on-delivery-failure=continue, not stop',
    }),
    passes('it is in force', factsOf({ 'producer.profile': 'no-loss' }), {
      value: 'no-loss',
      origin: 'a.properties',
      says:
        'the producer has acks=all, retries=2147483647, max.in.flight.requests.per.connection=1, ' +
        'enable.idempotence=true, on-delivery-failure=stop',
    }),
    fails('the producer is made otherwise all the same', contradicted(), { says: 'the producer has acks=1, not all' }),
  ],
};
