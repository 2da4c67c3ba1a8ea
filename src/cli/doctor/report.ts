import { type Area } from './check.js';
import { AREAS } from './checks.js';
import { type Result } from './diagnosis.js';
import { type ClusterFacts, type Told } from './facts.js';
import { type Finding, VERDICTS, type Verdict } from './finding.js';

// The doctor's report, for people and for programs.

export interface ConnectionReport {
  readonly connection: string;
  readonly cluster: Told<ClusterFacts>;
  readonly results: readonly Result[];
}

export interface TextOptions {
  /** Checks that may fail. */
  readonly accepted: readonly string[];
  /** Also every topic and node that passes. */
  readonly all: boolean;
}

/** What is printed of each verdict without `all`: lines, and names in one line. */
const MOST_LINES = { bad: 20, good: 8 } as const;
const MOST_NAMES = { bad: 20, good: 3 } as const;
const LABELS: Readonly<Record<Verdict, string>> = {
  fail: 'FAIL',
  risk: 'RISK',
  'not known': 'not known',
  pass: 'pass',
  'not on one node': 'not on one node',
  'not used': 'not used',
};
const LABEL_WIDTH = Math.max(...Object.values(LABELS).map((label) => label.length));
const INDENT = ' '.repeat(LABEL_WIDTH + 2);

/** Checks that failed and were not accepted, over all connections. */
export function failuresIn(reports: readonly ConnectionReport[], accepted: readonly string[]): number {
  return countOf(reports, ({ verdict, check }) => verdict === 'fail' && !accepted.includes(check.id));
}

export function textReport(reports: readonly ConnectionReport[], options: TextOptions): string {
  const lines = reports.flatMap((report) => [...heading(report, reports.length > 1), ...areasOf(report, options), '']);
  return [...lines, summary(reports, options.accepted)].join('\n');
}

function heading({ connection, cluster }: ConnectionReport, withName: boolean): string[] {
  const name = withName ? `connection ${connection}: ` : '';
  if ('problem' in cluster) return [`# ${name}no cluster`];
  const { id, servers, nodes, isOneNode } = cluster.value;
  const kind = isOneNode
    ? "Nestdaw's broker, one node on purpose"
    : `${nodes.length} node${nodes.length === 1 ? '' : 's'}`;
  return [`# ${name}cluster ${id ?? '(without an id)'} at ${servers.join(', ')}: ${kind}`];
}

function areasOf({ results }: ConnectionReport, options: TextOptions): string[] {
  return (Object.keys(AREAS) as Area[]).flatMap((area) => {
    const own = results.filter(({ check }) => check.area === area);
    if (own.length === 0) return [];
    return ['', AREAS[area], ...own.flatMap((result) => linesOf(result, options))];
  });
}

function linesOf({ check, verdict, findings }: Result, { accepted, all }: TextOptions): string[] {
  const note = verdict === 'fail' && accepted.includes(check.id) ? ' (accepted)' : '';
  const groups = grouped(findings);
  const lines = ([true, false] as const).flatMap((bad) => {
    const kind = bad ? 'bad' : 'good';
    const own = groups.filter(([finding]) => isBad(finding!) === bad);
    const printed = own.slice(0, all ? undefined : MOST_LINES[kind]);
    const more = own.length - printed.length;
    const mostNames = all ? Number.POSITIVE_INFINITY : MOST_NAMES[kind];
    return [
      ...printed.map((group) => lineOf(group, verdict, mostNames)),
      ...(more > 0 ? [`… and ${more} more (--all)`] : []),
    ];
  });
  const head = `${LABELS[verdict].padEnd(LABEL_WIDTH)}  ${check.id}${note}: ${check.question}`;
  return [head, ...[...lines, ...remedy(check, findings)].map((line) => `${INDENT}${line}`)];
}

/** Findings that say the same of several topics, nodes or producers stand in one line. */
function grouped(findings: readonly Finding[]): Array<readonly Finding[]> {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const { subject, ...rest } = finding;
    const same = JSON.stringify([subject?.kind, rest]);
    const group = groups.get(same);
    if (group) group.push(finding);
    else groups.set(same, [finding]);
  }
  return [...groups.values()].sort((a, b) => VERDICTS.indexOf(a[0]!.verdict) - VERDICTS.indexOf(b[0]!.verdict));
}

function lineOf(group: readonly Finding[], ofCheck: Verdict, mostNames: number): string {
  const { verdict, key, value, origin, says } = group[0]!;
  const setting = [key, value].filter((part) => part !== undefined).join('=');
  const parts = [
    verdict === ofCheck ? '' : LABELS[verdict],
    namesOf(group, mostNames),
    setting === '' || origin === undefined ? setting : `${setting} (${origin})`,
    says,
  ];
  return parts.filter((part) => part !== '').join(': ');
}

/** `topic orders`, `topics a, b, c and 7 more`; empty where it is about the connection. */
function namesOf(group: readonly Finding[], most: number): string {
  const subjects = group.flatMap(({ subject }) => subject ?? []);
  const kind = subjects[0]?.kind;
  if (kind === undefined) return '';
  const names = subjects.slice(0, most).map(({ name }) => name);
  const more = subjects.length - names.length;
  return `${kind}${subjects.length === 1 ? '' : 's'} ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Why it matters, and each thing to do once. */
function remedy({ why, fix }: Result['check'], findings: readonly Finding[]): string[] {
  const wrong = findings.filter(({ verdict }) => verdict === 'fail' || verdict === 'risk');
  if (wrong.length === 0) return [];
  return [`Why: ${why}`, ...[...new Set(wrong.map((finding) => finding.fix ?? fix))].map((one) => `Fix: ${one}`)];
}

function isBad({ verdict }: Finding): boolean {
  return verdict === 'fail' || verdict === 'risk' || verdict === 'not known';
}

function summary(reports: readonly ConnectionReport[], accepted: readonly string[]): string {
  const failed = failuresIn(reports, accepted);
  const risks = countOf(reports, ({ verdict }) => verdict === 'risk');
  const unknown = countOf(reports, ({ verdict }) => verdict === 'not known');
  const all = countOf(reports, () => true);
  const parts = [
    `${all} checks`,
    `${failed} failed`,
    `${risks} at risk`,
    ...(unknown > 0 ? [`${unknown} not known`] : []),
  ];
  return `${parts.join(', ')}.`;
}

function countOf(reports: readonly ConnectionReport[], matches: (result: Result) => boolean): number {
  return reports.reduce((sum, { results }) => sum + results.filter(matches).length, 0);
}

/** Everything, whatever was asked for on the terminal. */
export function jsonReport(reports: readonly ConnectionReport[], accepted: readonly string[]): string {
  const connections = reports.map(({ connection, cluster, results }) => ({
    connection,
    cluster: 'problem' in cluster ? null : clusterOf(cluster.value),
    checks: results.map(({ check, verdict, findings }) => ({
      id: check.id,
      area: check.area,
      question: check.question,
      verdict,
      accepted: accepted.includes(check.id),
      why: check.why,
      fix: check.fix,
      findings,
    })),
  }));
  return JSON.stringify({ failed: failuresIn(reports, accepted), connections }, null, 2);
}

function clusterOf({ id, servers, isOneNode, nodes }: ClusterFacts) {
  return { id, servers, oneNodeOnPurpose: isOneNode, nodes: nodes.map(({ nodeId, address }) => ({ nodeId, address })) };
}
