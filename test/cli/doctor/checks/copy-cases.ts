import { factsOf, nodeOf, onCluster } from '../../../support/doctor-facts.js';
import { type CheckCases, fails, isNotOnOneNode, ONE_NODE, passes, risks, topic, withTopics } from './check-case.js';

export const COPY_CASES: CheckCases = {
  'unclean-election': [
    passes('a copy that is behind never leads', withTopics({}), { subject: topic('orders'), value: 'false' }),
    fails(
      'a copy that is behind may lead',
      withTopics({}, { name: 'bad', configs: { 'unclean.leader.election.enable': 'true' } }),
      {
        verdict: 'fail',
        subject: topic('bad'),
        key: 'unclean.leader.election.enable',
        value: 'true',
        origin: 'set for the topic',
      },
    ),
    isNotOnOneNode('there is one node', ONE_NODE, {}),
  ],
  'replication-factor': [
    passes('there are three copies', withTopics({}), { subject: topic('orders'), value: '3' }),
    fails('there are two', withTopics({}, { name: 'two', replicas: 2 }), {
      verdict: 'fail',
      subject: topic('two'),
      key: 'replication.factor',
      value: '2',
    }),
    fails(
      "one of Kafka's own topics has one",
      withTopics({}, { name: '__consumer_offsets', isInternal: true, replicas: 1 }),
      { subject: topic('__consumer_offsets'), value: '1' },
    ),
    risks(
      'topics that are made later have one',
      onCluster({ nodes: [nodeOf(1), nodeOf(2, { 'default.replication.factor': '1' })] }),
      { verdict: 'risk', key: 'default.replication.factor', value: '1', origin: "the broker's file" },
    ),
    isNotOnOneNode('there is one node', ONE_NODE, { says: 'one copy: back up this directory /data/1' }),
  ],
  'min-insync': [
    passes(
      'two copies acknowledge',
      withTopics({}, { name: '__consumer_offsets', isInternal: true, configs: { 'min.insync.replicas': '1' } }),
      { subject: topic('orders'), value: '2' },
    ),
    fails('one is enough', withTopics({}, { name: 'bad', configs: { 'min.insync.replicas': '1' } }), {
      verdict: 'fail',
      subject: topic('bad'),
      key: 'min.insync.replicas',
      value: '1',
    }),
    isNotOnOneNode('there is one node', ONE_NODE, {}),
  ],
  'spare-copy': [
    passes('there is one copy more than needed', withTopics({}), { says: 'more than min.insync.replicas=2' }),
    fails('all copies are needed', withTopics({}, { name: 'bad', replicas: 2 }), {
      subject: topic('bad'),
      value: '2',
      says: 'equal to min.insync.replicas=2: one failure stops it',
    }),
    fails('more are needed than there are', withTopics({ replicas: 1 }), {
      value: '1',
      says: 'less than min.insync.replicas=2: there are not so many copies',
    }),
    isNotOnOneNode('there is one node', ONE_NODE, {}),
  ],
  'in-sync': [
    passes('all copies are there', factsOf(), { subject: topic('orders') }),
    fails('a partition has no leader', withTopics({ leader: -1 }), {
      subject: topic('orders'),
      says: 'no leader: partitions 0, 1, 2',
    }),
    risks('a copy is behind', withTopics({ isr: 2, lengths: [0] }), { says: 'copies are behind or down: partition 0' }),
    fails('too few are in sync', withTopics({ isr: 1, lengths: [0] }), {
      says: 'fewer in sync than min.insync.replicas=2, acks=all is refused: partition 0',
    }),
  ],
};
