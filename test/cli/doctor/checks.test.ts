import { describe, expect, it } from '@jest/globals';
import { CHECKS, EIGHT_POINTS } from '../../../src/cli/doctor/checks.js';
import { diagnose, type Result } from '../../../src/cli/doctor/diagnosis.js';
import { type Facts } from '../../../src/cli/doctor/facts.js';
import { factsOf, nodeOf, onCluster, topicOf } from '../../support/doctor-facts.js';
import { BASIS_CASES } from './checks/basis-cases.js';
import { type CheckCases, ONE_NODE } from './checks/check-case.js';
import { CONSUMER_CASES } from './checks/consumer-cases.js';
import { COPY_CASES } from './checks/copy-cases.js';
import { PLACE_CASES } from './checks/place-cases.js';
import { PRODUCER_CASES } from './checks/producer-cases.js';
import { SIZE_CASES } from './checks/size-cases.js';

// Each check of the doctor's table: facts in, findings out.

function resultOf(id: string, facts: Facts): Result {
  return diagnose(CHECKS, facts).find(({ check }) => check.id === id)!;
}

const CASES: CheckCases = {
  ...BASIS_CASES,
  ...CONSUMER_CASES,
  ...COPY_CASES,
  ...PLACE_CASES,
  ...PRODUCER_CASES,
  ...SIZE_CASES,
};

describe('the checks of the doctor', () => {
  const all = Object.entries(CASES).flatMap(([id, cases]) => cases.map((one) => ({ id, ...one })));

  it.each(all)('$id says “$verdict” when $when', ({ id, facts, verdict, finding }) => {
    const result = resultOf(id, facts);
    expect(result.findings).toContainEqual(expect.objectContaining(finding));
    expect(result.verdict).toBe(verdict);
  });

  it.each(CHECKS.map(({ id }) => id))('have a case that is well and one that is not: %s', (id) => {
    const verdicts = CASES[id]!.map(({ verdict }) => verdict);
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
