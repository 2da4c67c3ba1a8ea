import { factsOf, onCluster } from '../../../support/doctor-facts.js';
import { type CheckCases, fails, passes, risks, topic } from './check-case.js';

export const BASIS_CASES: CheckCases = {
  configuration: [
    passes('all is well', factsOf(), { says: 'no mistakes' }),
    fails('there is a mistake', factsOf({}, { mistakes: ['a.properties:1:1: kafka.x=1: unknown key'] }), {
      says: 'a.properties:1:1: kafka.x=1: unknown key',
    }),
    risks('a key has no effect', factsOf({}, { warnings: ['a.properties:1:1: kafka.x has no effect'] }), {
      says: 'a.properties:1:1: kafka.x has no effect',
    }),
  ],
  cluster: [
    passes('it answers', factsOf({ 'bootstrap-servers': 'k:9092' }), {
      key: 'kafka.bootstrap-servers',
      value: 'k:9092',
      origin: 'a.properties',
      says: '3 nodes, topics looked at: 1',
    }),
    passes('it is somewhere else than the file says', factsOf({ 'bootstrap-servers': 'other:9092' }), {
      value: 'k:9092',
    }),
    fails(
      'nobody answers',
      factsOf({ 'bootstrap-servers': 'k:9092' }, { cluster: { problem: 'no server answered' } }),
      { key: 'kafka.bootstrap-servers', value: 'k:9092', says: 'no server answered' },
    ),
    fails('a topic is not there', onCluster({ missingTopics: ['ordrs'] }), {
      subject: topic('ordrs'),
      says: 'there is no such topic',
    }),
  ],
};
