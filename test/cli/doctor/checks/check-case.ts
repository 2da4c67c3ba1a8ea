import { type Facts } from '../../../../src/cli/doctor/facts.js';
import { type Finding, type Verdict } from '../../../../src/cli/doctor/finding.js';
import { nodeOf, onCluster, type TopicWish, topicOf } from '../../../support/doctor-facts.js';

// How the tables beside this file say what a check of the doctor finds.

export interface CheckCase {
  readonly verdict: Verdict;
  readonly when: string;
  readonly facts: Facts;
  /** One of the findings has this. */
  readonly finding: Partial<Finding>;
}

/** Of each check, by its id. */
export type CheckCases = Readonly<Record<string, readonly CheckCase[]>>;

const verdictIs =
  (verdict: Verdict) =>
  (when: string, facts: Facts, finding: Partial<Finding>): CheckCase => ({ verdict, when, facts, finding });

export const passes = verdictIs('pass');
export const risks = verdictIs('risk');
export const fails = verdictIs('fail');
export const isNotKnown = verdictIs('not known');
export const isNotUsed = verdictIs('not used');
export const isNotOnOneNode = verdictIs('not on one node');

export const topic = (name: string) => ({ kind: 'topic', name }) as const;
export const withTopics = (...wishes: TopicWish[]): Facts => onCluster({ topics: wishes.map(topicOf) });
export const ONE_NODE = onCluster({ isOneNode: true, nodes: [nodeOf(1)], topics: [topicOf({ replicas: 1 })] });
