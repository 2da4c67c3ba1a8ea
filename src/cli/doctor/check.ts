import { type ClusterFacts, type Facts } from './facts.js';
import { type Finding } from './finding.js';

// What one check is: a question with its reason and remedy, and a function from facts to findings.

/** Where a check stands in the report. `loss` are the eight points that no record gets lost by. */
export type Area = 'basis' | 'loss' | 'sending' | 'sizes' | 'cluster';

interface Asked {
  /** Name for programs and for `--accept`. */
  readonly id: string;
  readonly area: Area;
  readonly question: string;
  /** Why it matters. */
  readonly why: string;
  /** What to do where a finding does not say it better. */
  readonly fix: string;
}

/** Asks the configuration, once it is one that the application starts with. */
interface ConfigurationCheck extends Asked {
  readonly asks: 'configuration';
  readonly evaluate: (facts: Facts) => readonly Finding[];
}

/** Asks the cluster, where it answered. */
interface ClusterCheck extends Asked {
  readonly asks: 'cluster';
  readonly evaluate: (cluster: ClusterFacts, facts: Facts) => readonly Finding[];
}

/** Asks whether there are facts at all. */
interface BasisCheck extends Asked {
  readonly asks: 'facts';
  readonly evaluate: (facts: Facts) => readonly Finding[];
}

export type Check = ConfigurationCheck | ClusterCheck | BasisCheck;
