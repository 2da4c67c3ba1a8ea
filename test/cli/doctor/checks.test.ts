import { describe, expect, it } from '@jest/globals';
import { CHECKS, EIGHT_POINTS } from '../../../src/cli/doctor/checks.js';
import { diagnose, type Result } from '../../../src/cli/doctor/diagnosis.js';
import { type Facts } from '../../../src/cli/doctor/facts.js';
import { type Finding, type Verdict } from '../../../src/cli/doctor/finding.js';
import { factsOf, nodeOf, onCluster, type TopicWish, topicOf } from '../../support/doctor-facts.js';

// Each check of the doctor's table: facts in, findings out.

function resultOf(id: string, facts: Facts): Result {
  return diagnose(CHECKS, facts).find(({ check }) => check.id === id)!;
}

const withTopics = (...wishes: TopicWish[]) => onCluster({ topics: wishes.map(topicOf) });
const ONE_NODE = onCluster({ isOneNode: true, nodes: [nodeOf(1)], topics: [topicOf({ replicas: 1 })] });
const TMPFS = 0x0102_1994;

interface Case {
  readonly id: string;
  readonly when: string;
  readonly facts: Facts;
  readonly verdict: Verdict;
  /** One of the findings has this. */
  readonly finding: Partial<Finding>;
}

const topic = (name: string) => ({ kind: 'topic', name }) as const;

const CASES: readonly Case[] = [
  { id: 'configuration', when: 'all is well', facts: factsOf(), verdict: 'pass', finding: { says: 'no mistakes' } },
  {
    id: 'configuration',
    when: 'there is a mistake',
    facts: factsOf({}, { mistakes: ['a.properties:1:1: kafka.x=1: unknown key'] }),
    verdict: 'fail',
    finding: { says: 'a.properties:1:1: kafka.x=1: unknown key' },
  },
  {
    id: 'configuration',
    when: 'a key has no effect',
    facts: factsOf({}, { warnings: ['a.properties:1:1: kafka.x has no effect'] }),
    verdict: 'risk',
    finding: { says: 'a.properties:1:1: kafka.x has no effect' },
  },
  {
    id: 'cluster',
    when: 'it answers',
    facts: factsOf({ 'bootstrap-servers': 'k:9092' }),
    verdict: 'pass',
    finding: {
      key: 'kafka.bootstrap-servers',
      value: 'k:9092',
      origin: 'a.properties',
      says: '3 nodes, topics looked at: 1',
    },
  },
  {
    id: 'cluster',
    when: 'it is somewhere else than the file says',
    facts: factsOf({ 'bootstrap-servers': 'other:9092' }),
    verdict: 'pass',
    finding: { value: 'k:9092' },
  },
  {
    id: 'cluster',
    when: 'nobody answers',
    facts: factsOf({ 'bootstrap-servers': 'k:9092' }, { cluster: { problem: 'no server answered' } }),
    verdict: 'fail',
    finding: { key: 'kafka.bootstrap-servers', value: 'k:9092', says: 'no server answered' },
  },
  {
    id: 'cluster',
    when: 'a topic is not there',
    facts: onCluster({ missingTopics: ['ordrs'] }),
    verdict: 'fail',
    finding: { subject: topic('ordrs'), says: 'there is no such topic' },
  },
  {
    id: 'callback',
    when: 'brokers answer',
    facts: factsOf(),
    verdict: 'pass',
    finding: { key: 'kafka.producer.on-delivery-failure', value: 'continue', origin: 'default' },
  },
  {
    id: 'callback',
    when: 'brokers do not answer',
    facts: factsOf({ 'producer.acks': '0' }),
    verdict: 'fail',
    finding: { key: 'kafka.producer.acks', value: '0', origin: 'a.properties' },
  },
  {
    id: 'acks',
    when: 'it is the default',
    facts: factsOf(),
    verdict: 'pass',
    finding: { key: 'kafka.producer.acks', value: 'all', origin: 'default' },
  },
  {
    id: 'acks',
    when: 'the leader alone acknowledges',
    facts: factsOf({ 'producer.acks': '1' }),
    verdict: 'risk',
    finding: { key: 'kafka.producer.acks', value: '1', origin: 'a.properties' },
  },
  {
    id: 'acks',
    when: 'nobody acknowledges',
    facts: factsOf({ 'producer.acks': '0' }),
    verdict: 'fail',
    finding: { key: 'kafka.producer.acks', value: '0' },
  },
  {
    id: 'acks',
    when: 'a producer with a name has its own',
    facts: factsOf({ 'producers.bulk.acks': '1' }),
    verdict: 'risk',
    finding: {
      verdict: 'risk',
      subject: { kind: 'producer', name: 'bulk' },
      key: 'kafka.producers.bulk.acks',
      value: '1',
      origin: 'a.properties',
    },
  },
  {
    id: 'retries',
    when: 'it is the default',
    facts: factsOf(),
    verdict: 'pass',
    finding: { key: 'kafka.producer.retries', value: '2147483647', says: 'goes on for 2m' },
  },
  {
    id: 'retries',
    when: 'there are none',
    facts: factsOf({ 'producer.retries': '0' }),
    verdict: 'risk',
    finding: {
      key: 'kafka.producer.retries',
      value: '0',
      origin: 'a.properties',
      says: 'the first hiccup of a broker fails the send',
    },
  },
  {
    id: 'retries',
    when: 'they end before the time',
    // 100, 200, 400, 800, then 1,000 each
    facts: factsOf({ 'producer.retries': '10' }),
    verdict: 'risk',
    finding: { says: 'gives up after about 7500ms of refusals, not after delivery.timeout.ms=2m' },
  },
  {
    id: 'retries',
    when: 'they last for the time',
    facts: factsOf({
      'producer.retries': '10',
      'producer.properties.delivery.timeout.ms': '7s',
      'producer.properties.request.timeout.ms': '5s',
    }),
    verdict: 'pass',
    finding: { says: 'goes on for 7s' },
  },
  {
    id: 'unclean-election',
    when: 'a copy that is behind never leads',
    facts: withTopics({}),
    verdict: 'pass',
    finding: { subject: topic('orders'), value: 'false' },
  },
  {
    id: 'unclean-election',
    when: 'a copy that is behind may lead',
    facts: withTopics({}, { name: 'bad', configs: { 'unclean.leader.election.enable': 'true' } }),
    verdict: 'fail',
    finding: {
      verdict: 'fail',
      subject: topic('bad'),
      key: 'unclean.leader.election.enable',
      value: 'true',
      origin: 'set for the topic',
    },
  },
  { id: 'unclean-election', when: 'there is one node', facts: ONE_NODE, verdict: 'not on one node', finding: {} },
  {
    id: 'replication-factor',
    when: 'there are three copies',
    facts: withTopics({}),
    verdict: 'pass',
    finding: { subject: topic('orders'), value: '3' },
  },
  {
    id: 'replication-factor',
    when: 'there are two',
    facts: withTopics({}, { name: 'two', replicas: 2 }),
    verdict: 'fail',
    finding: { verdict: 'fail', subject: topic('two'), key: 'replication.factor', value: '2' },
  },
  {
    id: 'replication-factor',
    when: "one of Kafka's own topics has one",
    facts: withTopics({}, { name: '__consumer_offsets', isInternal: true, replicas: 1 }),
    verdict: 'fail',
    finding: { subject: topic('__consumer_offsets'), value: '1' },
  },
  {
    id: 'replication-factor',
    when: 'topics that are made later have one',
    facts: onCluster({ nodes: [nodeOf(1), nodeOf(2, { 'default.replication.factor': '1' })] }),
    verdict: 'risk',
    finding: { verdict: 'risk', key: 'default.replication.factor', value: '1', origin: "the broker's file" },
  },
  {
    id: 'replication-factor',
    when: 'there is one node',
    facts: ONE_NODE,
    verdict: 'not on one node',
    finding: { says: 'one copy: back up this directory /data/1' },
  },
  {
    id: 'min-insync',
    when: 'two copies acknowledge',
    facts: withTopics({}, { name: '__consumer_offsets', isInternal: true, configs: { 'min.insync.replicas': '1' } }),
    verdict: 'pass',
    finding: { subject: topic('orders'), value: '2' },
  },
  {
    id: 'min-insync',
    when: 'one is enough',
    facts: withTopics({}, { name: 'bad', configs: { 'min.insync.replicas': '1' } }),
    verdict: 'fail',
    finding: { verdict: 'fail', subject: topic('bad'), key: 'min.insync.replicas', value: '1' },
  },
  { id: 'min-insync', when: 'there is one node', facts: ONE_NODE, verdict: 'not on one node', finding: {} },
  {
    id: 'spare-copy',
    when: 'there is one copy more than needed',
    facts: withTopics({}),
    verdict: 'pass',
    finding: { says: 'more than min.insync.replicas=2' },
  },
  {
    id: 'spare-copy',
    when: 'all copies are needed',
    facts: withTopics({}, { name: 'bad', replicas: 2 }),
    verdict: 'fail',
    finding: { subject: topic('bad'), value: '2', says: 'equal to min.insync.replicas=2: one failure stops it' },
  },
  {
    id: 'spare-copy',
    when: 'more are needed than there are',
    facts: withTopics({ replicas: 1 }),
    verdict: 'fail',
    finding: { value: '1', says: 'less than min.insync.replicas=2: there are not so many copies' },
  },
  { id: 'spare-copy', when: 'there is one node', facts: ONE_NODE, verdict: 'not on one node', finding: {} },
  {
    id: 'commits',
    when: 'nothing is set',
    facts: factsOf(),
    verdict: 'pass',
    finding: { key: 'kafka.listener.ack-mode', value: 'BATCH', origin: 'default' },
  },
  {
    id: 'commits',
    when: 'a copied file commits automatically',
    facts: factsOf({ 'consumer.enable-auto-commit': 'true' }),
    verdict: 'pass',
    finding: { key: 'kafka.consumer.enable-auto-commit', says: 'means here: commit by time, finished work only' },
  },
  {
    id: 'commits',
    when: 'the commit comes first',
    facts: factsOf({ 'listener.ack-mode': 'AT_MOST_ONCE' }),
    verdict: 'fail',
    finding: { key: 'kafka.listener.ack-mode', value: 'AT_MOST_ONCE', origin: 'a.properties' },
  },
  { id: 'idempotence', when: 'it is on', facts: factsOf(), verdict: 'pass', finding: { value: 'true' } },
  {
    id: 'idempotence',
    when: 'it is switched off',
    facts: factsOf({ 'producer.properties.enable.idempotence': 'false' }),
    verdict: 'risk',
    finding: {
      value: 'false',
      says: 'off: what is sent again may be stored twice, and out of order with 5 requests in flight',
    },
  },
  {
    id: 'idempotence',
    when: 'it gives way',
    facts: factsOf({ 'producer.acks': '1', 'producer.properties.max.in.flight.requests.per.connection': '1' }),
    verdict: 'risk',
    finding: { value: 'false', says: 'off, since it gives way to acks=1: what is sent again may be stored twice' },
  },
  {
    id: 'no-loss',
    when: 'it is not asked for',
    facts: factsOf(),
    verdict: 'not used',
    finding: {
      key: 'kafka.producer.profile',
      says: 'it would change max.in.flight.requests.per.connection=5, not 1; on-delivery-failure=continue, not stop',
    },
  },
  {
    id: 'no-loss',
    when: 'it is in force',
    facts: factsOf({ 'producer.profile': 'no-loss' }),
    verdict: 'pass',
    finding: {
      value: 'no-loss',
      origin: 'a.properties',
      says:
        'the producer has acks=all, retries=2147483647, max.in.flight.requests.per.connection=1, ' +
        'enable.idempotence=true, on-delivery-failure=stop',
    },
  },
  {
    id: 'no-loss',
    when: 'the producer is made otherwise all the same',
    facts: contradicted(),
    verdict: 'fail',
    finding: { says: 'the producer has acks=1, not all' },
  },
  {
    id: 'sizes',
    when: 'all fits, by the defaults of Kafka',
    facts: withTopics({}),
    verdict: 'pass',
    finding: { subject: topic('orders'), key: 'max.message.bytes', value: '1048588', says: 'fits' },
  },
  {
    id: 'sizes',
    when: 'a topic takes less than is sent',
    facts: withTopics({}, { name: 'small', configs: { 'max.message.bytes': '1000' } }),
    verdict: 'fail',
    finding: {
      verdict: 'fail',
      subject: topic('small'),
      key: 'max.message.bytes',
      value: '1000',
      says: 'less than kafka.producer.properties.max.request.size=1MB (default): refuses what is larger',
    },
  },
  {
    id: 'sizes',
    when: 'it takes less before compression',
    facts: onCluster(
      { topics: [topicOf({ configs: { 'max.message.bytes': '1000' } })] },
      { 'producer.compression-type': 'lz4' },
    ),
    verdict: 'risk',
    finding: { verdict: 'risk', subject: topic('orders'), key: 'max.message.bytes' },
  },
  {
    id: 'sizes',
    when: 'later topics take less than is sent',
    facts: onCluster({ topics: [] }, { 'producers.bulk.properties.max.request.size': '2MB' }),
    verdict: 'risk',
    finding: {
      key: 'message.max.bytes',
      value: '1048588',
      says:
        'less than kafka.producers.bulk.properties.max.request.size=2MB (a.properties): ' +
        'topics that do not say otherwise refuse what is larger',
    },
  },
  {
    id: 'sizes',
    when: 'copies fetch less than a batch',
    facts: withTopics({ configs: { 'max.message.bytes': '1048589' } }),
    verdict: 'risk',
    finding: {
      subject: topic('orders'),
      says: "more than replica.fetch.max.bytes=1048576 (the broker's file) of node 1: copies fetch one large batch at a time",
    },
  },
  {
    id: 'sizes',
    when: 'consumers fetch less than a batch',
    facts: factsOf({ 'consumer.properties.max.partition.fetch.bytes': '1KB' }),
    verdict: 'risk',
    finding: {
      subject: topic('orders'),
      says: 'more than kafka.consumer.properties.max.partition.fetch.bytes=1KB (a.properties): consumers get one large batch at a time',
    },
  },
  {
    id: 'sizes',
    when: 'a broker answers with less than a batch',
    facts: onCluster({ nodes: [nodeOf(1), nodeOf(2, { 'fetch.max.bytes': '1024' })] }),
    verdict: 'risk',
    finding: {
      says: "more than fetch.max.bytes=1024 (the broker's file) of node 2: consumers get one large batch at a time",
    },
  },
  {
    id: 'sizes',
    when: 'a broker does not read such a request',
    facts: onCluster({ nodes: [nodeOf(4, { 'socket.request.max.bytes': '1000' })] }),
    verdict: 'fail',
    finding: {
      key: 'kafka.producer.properties.max.request.size',
      value: '1MB',
      says: "more than socket.request.max.bytes=1000 (the broker's file) of node 4, which closes the connection",
    },
  },
  {
    id: 'in-sync',
    when: 'all copies are there',
    facts: factsOf(),
    verdict: 'pass',
    finding: { subject: topic('orders') },
  },
  {
    id: 'in-sync',
    when: 'a partition has no leader',
    facts: withTopics({ leader: -1 }),
    verdict: 'fail',
    finding: { subject: topic('orders'), says: 'no leader: partitions 0, 1, 2' },
  },
  {
    id: 'in-sync',
    when: 'a copy is behind',
    facts: withTopics({ isr: 2, lengths: [0] }),
    verdict: 'risk',
    finding: { says: 'copies are behind or down: partition 0' },
  },
  {
    id: 'in-sync',
    when: 'too few are in sync',
    facts: withTopics({ isr: 1, lengths: [0] }),
    verdict: 'fail',
    finding: { says: 'fewer in sync than min.insync.replicas=2, acks=all is refused: partition 0' },
  },
  {
    id: 'data-folder',
    when: 'it is on a disk',
    facts: ONE_NODE,
    verdict: 'pass',
    finding: {
      subject: { kind: 'node', name: '1' },
      value: '/data/1',
      says: 'one copy: back up this directory; on a disk of this machine',
    },
  },
  {
    id: 'data-folder',
    when: 'it is in memory',
    facts: onCluster({ isOneNode: true, nodes: [nodeOf(1, {}, TMPFS)] }),
    verdict: 'risk',
    finding: {
      value: '/data/1',
      says: 'one copy: back up this directory; tmpfs, in memory: gone with the next restart of the machine',
    },
  },
  {
    id: 'data-folder',
    when: 'it is over a network',
    facts: onCluster({ nodes: [nodeOf(1, {}, 0x6969)] }),
    verdict: 'risk',
    finding: { says: 'NFS, over a network, or through a program: locks, fsync and speed are not those of a disk' },
  },
  {
    id: 'data-folder',
    when: 'it is over a network, and the number has its sign',
    facts: onCluster({ nodes: [nodeOf(1, {}, 0xff53_4d42 | 0)] }),
    verdict: 'risk',
    finding: { says: expect.stringContaining('CIFS') as never },
  },
  {
    id: 'data-folder',
    when: 'it is on another machine',
    facts: onCluster({ nodes: [nodeOf(1, {}, null)] }),
    verdict: 'not known',
    finding: { value: '/data/1', says: 'what it lies on is not seen from here' },
  },
  {
    id: 'partition-share',
    when: 'keys are spread',
    facts: withTopics({ lengths: [500, 300, 200] }),
    verdict: 'pass',
    finding: { says: 'partition 0 has 50 % of 1000 offsets' },
  },
  {
    id: 'partition-share',
    when: 'one partition has more than half',
    facts: withTopics({ lengths: [200, 510, 290] }),
    verdict: 'risk',
    finding: { subject: topic('orders'), says: 'partition 1 has 51 % of 1000 offsets' },
  },
  {
    id: 'partition-share',
    when: 'one of two has more than half',
    facts: withTopics({ lengths: [740, 260] }),
    verdict: 'pass',
    finding: { says: 'partition 0 has 74 % of 1000 offsets' },
  },
  {
    id: 'partition-share',
    when: 'one of two has nearly all',
    facts: withTopics({ lengths: [760, 240] }),
    verdict: 'risk',
    finding: { says: 'partition 0 has 76 % of 1000 offsets' },
  },
  {
    id: 'partition-share',
    when: 'there is little',
    facts: withTopics({ lengths: [999, 0, 0] }),
    verdict: 'pass',
    finding: { says: '999 offsets: too few to tell' },
  },
  {
    id: 'partition-share',
    when: 'there is one partition',
    facts: withTopics({ lengths: [5_000] }),
    verdict: 'not used',
    finding: { says: 'no topic with several partitions' },
  },
];

/** What the configuration's rules keep from happening. */
function contradicted(): Facts {
  const facts = factsOf({ 'producer.profile': 'no-loss' });
  const [plain] = facts.producers;
  return { ...facts, producers: [{ ...plain!, settings: { ...plain!.settings, acks: 1 } }] };
}

describe('the checks of the doctor', () => {
  it.each(CASES.map((one) => [`${one.id} says “${one.verdict}” when ${one.when}`, one] as const))(
    '%s',
    (_, { id, facts, verdict, finding }) => {
      const result = resultOf(id, facts);
      expect(result.findings).toContainEqual(expect.objectContaining(finding));
      expect(result.verdict).toBe(verdict);
    },
  );

  it.each(CHECKS.map(({ id }) => id))('have a case that is well and one that is not: %s', (id) => {
    const verdicts = CASES.filter((one) => one.id === id).map(({ verdict }) => verdict);
    expect(verdicts).toContain('pass');
    expect(verdicts.some((verdict) => verdict === 'fail' || verdict === 'risk')).toBe(true);
  });

  it('have names of their own, and say why and what to do', () => {
    expect(new Set(CHECKS.map(({ id }) => id)).size).toBe(CHECKS.length);
    for (const { question, why, fix } of CHECKS) {
      expect(question).toMatch(/\?$/);
      for (const text of [why, fix]) expect(text).toMatch(/^[A-Z].+\.$/);
    }
  });

  it('answer the eight points, on one node too, where four of them mean nothing', () => {
    expect(EIGHT_POINTS).toHaveLength(8);
    const verdicts = diagnose(EIGHT_POINTS, ONE_NODE).map(({ verdict }) => verdict);
    const one = 'not on one node';
    expect(verdicts).toEqual(['pass', 'pass', 'pass', one, one, one, one, 'pass']);
    expect(diagnose(EIGHT_POINTS, factsOf()).every(({ verdict }) => verdict === 'pass')).toBe(true);
  });

  it('list every size of the chain by key, and where it comes from', () => {
    const keys = resultOf('sizes', factsOf()).findings.map(({ key, origin }) => [key, origin !== undefined] as const);
    expect(new Map(keys)).toEqual(
      new Map([
        ['kafka.producer.properties.max.request.size', true],
        ['max.message.bytes', true],
        ['message.max.bytes', true],
        ['socket.request.max.bytes', true],
        ['fetch.max.bytes', true],
        ['replica.fetch.max.bytes', true],
        ['kafka.consumer.properties.max.partition.fetch.bytes', true],
        ['kafka.consumer.properties.fetch.max.bytes', true],
      ]),
    );
  });

  it('name every directory of the one copy, or none where they are not told', () => {
    const folders = { value: ['/a', '/b'].map((path) => ({ path, totalBytes: 1, usableBytes: 1 })) };
    const saysOf = (node: object) => {
      const facts = onCluster({ isOneNode: true, nodes: [{ ...nodeOf(1), ...node }] });
      return resultOf('replication-factor', facts).findings.map(({ says }) => says);
    };
    expect(saysOf({ folders })).toEqual(['one copy: back up these directories /a, /b']);
    expect(saysOf({ folders: { problem: 'refused' } })).toEqual(['one copy: back up this directory']);
  });

  it('leave out producers with names that have what the plain one has', () => {
    const facts = factsOf({ 'producer.acks': '1', 'producers.bulk.batch-size': '64KB' });
    expect(resultOf('acks', facts).findings).toHaveLength(1);
  });

  it('take the keys of a profile for those that decide', () => {
    const facts = factsOf({ 'producer.profile': 'no-loss', 'producer.acks': 'all' });
    expect(resultOf('retries', facts).findings).toEqual([
      expect.objectContaining({ verdict: 'pass', key: 'kafka.producer.profile', value: 'no-loss' }),
    ]);
  });

  it('say so where the cluster tells nothing, or nothing can be asked', () => {
    const silent = { problem: 'TOPIC_AUTHORIZATION_FAILED' };
    const facts = onCluster({
      nodes: [{ ...nodeOf(1), configs: silent, folders: silent }],
      topics: [{ ...topicOf(), configs: silent, lengths: silent }],
    });
    for (const id of ['unclean-election', 'min-insync', 'spare-copy', 'sizes', 'data-folder', 'partition-share']) {
      const { verdict, findings } = resultOf(id, facts);
      expect([id, verdict]).toEqual([id, 'not known']);
      expect(findings).toContainEqual(expect.objectContaining({ says: silent.problem }));
    }
    const away = factsOf({}, { cluster: { problem: 'no server answered' } });
    expect(resultOf('sizes', away).findings).toEqual([{ verdict: 'not known', says: 'the cluster does not answer' }]);
    const wrong = factsOf({}, { mistakes: ['x'], producers: [], cluster: { problem: 'not asked' } });
    const others = diagnose(CHECKS, wrong).filter(({ check }) => check.id !== 'configuration');
    expect(new Set(others.map(({ verdict }) => verdict))).toEqual(new Set(['not known']));
    expect(resultOf('in-sync', onCluster({ topics: [] })).verdict).toBe('not used');
  });
});
