import { describe, expect, it } from '@jest/globals';
import { CHECKS } from '../../../src/cli/doctor/checks.js';
import { diagnose } from '../../../src/cli/doctor/diagnosis.js';
import { type Facts } from '../../../src/cli/doctor/facts.js';
import { type ConnectionReport, failuresIn, jsonReport, textReport } from '../../../src/cli/doctor/report.js';
import { factsOf, onCluster, topicOf } from '../../support/doctor-facts.js';

// How findings are printed and counted.

function reportOf(facts: Facts, ...ids: string[]): ConnectionReport {
  const checks = CHECKS.filter(({ id }) => ids.includes(id));
  return { connection: 'default', cluster: facts.cluster, results: diagnose(checks, facts) };
}

/** Without the heading and the summary. */
function linesOf(report: ConnectionReport, options: { accepted?: string[]; all?: boolean } = {}): string[] {
  const text = textReport([report], { accepted: [], all: false, ...options });
  return text.split('\n').slice(3, -2);
}

const bad = (count: number) =>
  onCluster({
    topics: Array.from({ length: count }, (_, at) =>
      topicOf({ name: `t${at}`, configs: { 'min.insync.replicas': '1' } }),
    ),
  });

describe('the report of the doctor', () => {
  it('says the same of several topics in one line, the worst first, then why and what to do', () => {
    const unsafe = { 'min.insync.replicas': '1' };
    const topics = [
      topicOf({ name: 'a' }),
      topicOf({ name: 'b', configs: unsafe }),
      topicOf({ name: 'c', configs: unsafe }),
    ];
    expect(linesOf(reportOf(onCluster({ topics }), 'min-insync'))).toEqual([
      'FAIL             min-insync: Does acks=all mean more than one copy?',
      '                 topics b, c: min.insync.replicas=1 (set for the topic): the leader alone is enough for an acknowledgment',
      '                 pass: topic a: min.insync.replicas=2 (set for the topic): 2 copies for each acknowledgment',
      '                 Why: With min.insync.replicas=1, its default, all in-sync copies may be one: that of a leader about to die.',
      '                 Fix: Set min.insync.replicas=2 for the topic (kafka-configs.sh --alter --entity-type topics).',
    ]);
  });

  it('prints names up to a number, and all of them where that is asked for', () => {
    const names = (count: number) => Array.from({ length: count }, (_, at) => `t${at}`).join(', ');
    expect(linesOf(reportOf(bad(25), 'min-insync'))[1]).toContain(`topics ${names(20)} and 5 more: min.insync`);
    expect(linesOf(reportOf(bad(25), 'min-insync'), { all: true })[1]).toContain(`topics ${names(25)}: min.insync`);
    const good = onCluster({ topics: [1, 2, 3, 4].map((name) => topicOf({ name: `t${name}` })) });
    expect(linesOf(reportOf(good, 'min-insync'))[1]).toContain('topics t1, t2, t3 and 1 more: min.insync');
  });

  it('prints lines up to a number, and all of them where that is asked for', () => {
    const topics = Array.from({ length: 12 }, (_, at) => topicOf({ name: `t${at}`, lengths: [at, 0] }));
    const report = reportOf(onCluster({ topics }), 'partition-share');
    const lines = linesOf(report);
    expect(lines).toHaveLength(10);
    expect(lines.at(-1)?.trim()).toBe('… and 4 more (--all)');
    expect(linesOf(report, { all: true })).toHaveLength(13);
  });

  it('counts what failed and was not accepted', () => {
    const report = reportOf(bad(1), 'min-insync', 'spare-copy', 'in-sync');
    expect(failuresIn([report], [])).toBe(1);
    expect(failuresIn([report, report], [])).toBe(2);
    expect(failuresIn([report], ['min-insync'])).toBe(0);
    expect(textReport([report], { accepted: [], all: false })).toMatch(/\n3 checks, 1 failed, 0 at risk\.$/);
    const accepted = textReport([report], { accepted: ['min-insync'], all: false });
    expect(accepted).toContain('FAIL             min-insync (accepted): Does');
    expect(accepted).toMatch(/\n3 checks, 0 failed, 0 at risk\.$/);
  });

  it('says which connection and which cluster, or that there is none', () => {
    const named = (connection: string, facts: Facts) => ({ ...reportOf(facts, 'acks'), connection });
    const away = factsOf({}, { cluster: { problem: 'no server answered' } });
    const text = textReport([named('default', factsOf()), named('audit', away)], { accepted: [], all: false });
    expect(text.split('\n').filter((line) => line.startsWith('#'))).toEqual([
      '# connection default: cluster c at k:9092: 3 nodes',
      '# connection audit: no cluster',
    ]);
    const one = onCluster({ isOneNode: true });
    expect(textReport([named('default', one)], { accepted: [], all: false })).toMatch(
      /^# cluster c at k:9092: Nestdaw's broker, one node on purpose\n/,
    );
  });

  it('is read by programs, with every finding', () => {
    const parsed = JSON.parse(jsonReport([reportOf(bad(30), 'min-insync')], ['min-insync'])) as object;
    expect(parsed).toMatchObject({
      failed: 0,
      connections: [
        {
          connection: 'default',
          cluster: { id: 'c', servers: ['k:9092'], oneNodeOnPurpose: false },
          checks: [{ id: 'min-insync', area: 'loss', verdict: 'fail', accepted: true }],
        },
      ],
    });
    const { connections } = parsed as { connections: Array<{ checks: Array<{ findings: object[] }> }> };
    expect(connections[0]!.checks[0]!.findings).toHaveLength(30);
    expect(connections[0]!.checks[0]!.findings[7]).toEqual({
      verdict: 'fail',
      subject: { kind: 'topic', name: 't7' },
      key: 'min.insync.replicas',
      value: '1',
      origin: 'set for the topic',
      says: 'the leader alone is enough for an acknowledgment',
    });
  });
});
