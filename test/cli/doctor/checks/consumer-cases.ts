import { factsOf } from '../../../support/doctor-facts.js';
import { type CheckCases, fails, passes } from './check-case.js';

export const CONSUMER_CASES: CheckCases = {
  commits: [
    passes('nothing is set', factsOf(), { key: 'kafka.listener.ack-mode', value: 'BATCH', origin: 'default' }),
    passes('a copied file commits automatically', factsOf({ 'consumer.enable-auto-commit': 'true' }), {
      key: 'kafka.consumer.enable-auto-commit',
      says: 'means here: commit by time, finished work only',
    }),
    fails('the commit comes first', factsOf({ 'listener.ack-mode': 'AT_MOST_ONCE' }), {
      key: 'kafka.listener.ack-mode',
      value: 'AT_MOST_ONCE',
      origin: 'a.properties',
    }),
  ],
};
