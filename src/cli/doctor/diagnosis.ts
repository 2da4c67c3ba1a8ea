import { type Check } from './check.js';
import { type Facts } from './facts.js';
import { type Finding, type Verdict, worstOf } from './finding.js';

// From facts to findings: pure.

/** What one check came to. */
export interface Result {
  readonly check: Check;
  /** The worst of its findings. */
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
}

/** Evaluates checks; those whose facts are missing say so. */
export function diagnose(checks: readonly Check[], facts: Facts): Result[] {
  return checks.map((check) => {
    const findings = evaluate(check, facts);
    return { check, findings, verdict: worstOf(findings.map(({ verdict }) => verdict)) };
  });
}

function evaluate(check: Check, facts: Facts): readonly Finding[] {
  if (check.asks === 'facts') return check.evaluate(facts);
  if (facts.mistakes.length > 0) return [{ verdict: 'not known', says: 'mend the configuration first' }];
  if (check.asks === 'configuration') return check.evaluate(facts);
  const { cluster } = facts;
  if ('problem' in cluster) return [{ verdict: 'not known', says: 'the cluster does not answer' }];
  const findings = check.evaluate(cluster.value, facts);
  return findings.length > 0 ? findings : [{ verdict: 'not used', says: 'no topics' }];
}
