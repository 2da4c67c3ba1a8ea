import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type TopicPartition } from '../../../../../src/common/topic-partition.js';
import {
  type Assignor,
  type AssignorMember,
  type GroupAssignment,
} from '../../../../../src/runtime/client/consumer/assignors/assignor.js';
import { resolveAssignors } from '../../../../../src/runtime/client/consumer/assignors/assignors.js';
import { rangeAssignor } from '../../../../../src/runtime/client/consumer/assignors/range-assignor.js';
import { roundRobinAssignor } from '../../../../../src/runtime/client/consumer/assignors/round-robin-assignor.js';
import { stickyAssignor } from '../../../../../src/runtime/client/consumer/assignors/sticky-assignor.js';

const member = (memberId: string, topics: string[], groupInstanceId: string | null = null): AssignorMember => ({
  memberId,
  groupInstanceId,
  topics,
  userData: null,
  rackId: null,
});

const sizes = (assignment: GroupAssignment): number[] => [...assignment.values()].map((owned) => owned.length);

/** The same group after an assignment: each member brings what it owned. */
function remembering(
  members: readonly AssignorMember[],
  assignment: GroupAssignment,
  generationId: number,
): AssignorMember[] {
  return members.map((one) => {
    const partitions = assignment.get(one.memberId) ?? [];
    return { ...one, userData: stickyAssignor.userData!({ partitions, generationId }) };
  });
}

function kept(before: GroupAssignment, after: GroupAssignment): number {
  let same = 0;
  for (const [memberId, owned] of after) {
    const names = new Set((before.get(memberId) ?? []).map(({ topic, partition }) => `${topic}-${partition}`));
    same += owned.filter(({ topic, partition }) => names.has(`${topic}-${partition}`)).length;
  }
  return same;
}

/**
 * A line of the fixture: counts | members | owners by range | roundrobin | sticky | sticky without the first member.
 */
interface JavaCase {
  readonly counts: Map<string, number>;
  readonly members: AssignorMember[];
  readonly owners: Record<'range' | 'roundrobin' | 'sticky' | 'afterLeave', string>;
  readonly isSame: boolean;
}

function javaCases(): JavaCase[] {
  // Written by the strategies of kafka-clients 4.3.1 for 1,000 random groups.
  const text = readFileSync(join(process.cwd(), 'test/fixtures/assignors.txt'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [counts, members, range, roundrobin, sticky, afterLeave] = line.split('|') as [string, ...string[]];
      const parsed = members!.split(',').map((one) => {
        const [id, instance, topics] = one.split(':') as [string, string, string];
        return member(id, topics.split(''), instance === '' ? null : instance);
      });
      return {
        counts: new Map([...counts.matchAll(/([a-z])(\d)/g)].map(([, topic, count]) => [topic!, Number(count)])),
        members: parsed,
        owners: { range: range!, roundrobin: roundrobin!, sticky: sticky!, afterLeave: afterLeave! },
        isSame: new Set(parsed.map(({ topics }) => topics.join(''))).size === 1,
      };
    });
}

function ownersText({ counts, members }: JavaCase, assignment: GroupAssignment): string {
  let text = '';
  for (const [topic, count] of counts) {
    for (let partition = 0; partition < count; partition++) {
      const owner = members.findIndex(({ memberId }) =>
        assignment.get(memberId)?.some((tp) => tp.topic === topic && tp.partition === partition),
      );
      text += owner < 0 ? '-' : owner;
    }
  }
  return text;
}

function assignmentOf({ counts, members }: JavaCase, owners: string): GroupAssignment {
  const assignment: GroupAssignment = new Map(members.map(({ memberId }) => [memberId, []]));
  let at = 0;
  for (const [topic, count] of counts) {
    for (let partition = 0; partition < count; partition++) {
      const owner = owners[at++]!;
      if (owner !== '-') assignment.get(members[Number(owner)]!.memberId)!.push({ topic, partition });
    }
  }
  return assignment;
}

const imbalance = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count * count, 0);

describe('the strategies next to those of Java', () => {
  const cases = javaCases();

  it.each([rangeAssignor, roundRobinAssignor])('$name gives the same owners in 1,000 random groups', (assignor) => {
    const name = assignor.name as 'range' | 'roundrobin';
    for (const one of cases) {
      expect(ownersText(one, assignor.assign(one.counts, one.members))).toBe(one.owners[name]);
    }
    expect(cases).toHaveLength(1_000);
  });

  it('sticky gives the same owners to a new group with equal subscriptions', () => {
    for (const one of cases.filter(({ isSame }) => isSame)) {
      expect(ownersText(one, stickyAssignor.assign(one.counts, one.members))).toBe(one.owners.sticky);
    }
  });

  it('sticky is never less even in a new group', () => {
    for (const one of cases) {
      const ours = stickyAssignor.assign(one.counts, one.members);
      const java = assignmentOf(one, one.owners.sticky);
      expect(imbalance(sizes(ours))).toBeLessThanOrEqual(imbalance(sizes(java)));
    }
  });

  it('sticky is never less even after a member left, and with equal subscriptions never moves more', () => {
    for (const one of cases.filter(({ members }) => members.length > 1)) {
      const java = assignmentOf(one, one.owners.sticky);
      const after = stickyAssignor.assign(one.counts, remembering(one.members.slice(1), java, 1));
      const javaAfter = assignmentOf(one, one.owners.afterLeave);
      javaAfter.delete(one.members[0]!.memberId);
      expect(imbalance(sizes(after))).toBeLessThanOrEqual(imbalance(sizes(javaAfter)));
      expect(kept(java, after)).toBeGreaterThanOrEqual(one.isSame ? kept(java, javaAfter) : 0);
    }
  });
});

describe('every strategy', () => {
  const groups = fc.record({
    counts: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 0, max: 12 })),
    subscriptions: fc.array(fc.subarray(['a', 'b', 'c', 'd'], { minLength: 1 }), { minLength: 1, maxLength: 6 }),
  });

  it.each([rangeAssignor, roundRobinAssignor, stickyAssignor])(
    '$name gives each partition that somebody wants to exactly one who wants it',
    (assignor: Assignor) => {
      fc.assert(
        fc.property(groups, ({ counts, subscriptions }) => {
          const members = subscriptions.map((topics, i) => member(`m${i}`, topics));
          const assignment = assignor.assign(new Map(Object.entries(counts)), members);
          const seen = new Set<string>();
          for (const { memberId, topics } of members) {
            for (const { topic, partition } of assignment.get(memberId)!) {
              expect(topics).toContain(topic);
              expect(seen.has(`${topic}-${partition}`)).toBe(false);
              seen.add(`${topic}-${partition}`);
            }
          }
          const wanted = Object.entries(counts).filter(([topic]) =>
            subscriptions.some((s) => s.includes(topic as 'a')),
          );
          expect(seen.size).toBe(wanted.reduce((sum, [, count]) => sum + count, 0));
        }),
        { numRuns: 200 },
      );
    },
  );

  it('range is greedy: the first members get one more', () => {
    const of = (count: number, n: number): number[] =>
      sizes(
        rangeAssignor.assign(
          new Map([['t', count]]),
          Array.from({ length: n }, (_, i) => member(`m${i}`, ['t'])),
        ),
      );
    expect(of(7, 3)).toEqual([3, 2, 2]);
    expect(of(10, 4)).toEqual([3, 3, 2, 2]);
  });

  it('is found by wire name, Java class name or as an object', () => {
    const java = 'org.apache.kafka.clients.consumer.';
    expect(resolveAssignors(['range', `${java}RoundRobinAssignor`, 'Sticky', rangeAssignor])).toEqual([
      rangeAssignor,
      roundRobinAssignor,
      stickyAssignor,
    ]);
    expect(() => resolveAssignors(['rnage'])).toThrow(/'rnage', which is unknown: use range, roundrobin, sticky/);
  });
});

describe('sticky', () => {
  const counts = new Map([['t', 12]]);
  const three = ['x', 'y', 'z'].map((id) => member(id, ['t']));

  it('moves four when one of three leaves, and at most four when it comes back, whoever leads', () => {
    const before = stickyAssignor.assign(counts, three);
    const two = remembering(three.slice(1), before, 1).reverse();
    const without = stickyAssignor.assign(counts, two);
    expect(sizes(without)).toEqual([6, 6]);
    expect(kept(before, without)).toBe(8);
    const back = stickyAssignor.assign(counts, [three[0]!, ...remembering(three.slice(1), without, 2)]);
    expect(sizes(back)).toEqual([4, 4, 4]);
    expect(12 - kept(without, back)).toBe(4);
  });

  it('believes the newer of two memories', () => {
    const old: TopicPartition[] = [{ topic: 't', partition: 0 }];
    const claims = ['x', 'y'].map((id, i) => ({
      ...member(id, ['t']),
      userData: stickyAssignor.userData!({ partitions: old, generationId: 5 + i }),
    }));
    expect(stickyAssignor.assign(new Map([['t', 1]]), claims).get('y')).toEqual(old);
  });

  it('shifts along a chain of members that share no topic', () => {
    const members = [member('a', ['p']), member('b', ['p', 'q']), member('c', ['q'])];
    const owned = (partitions: TopicPartition[]): Buffer => stickyAssignor.userData!({ partitions, generationId: 1 })!;
    const p = (partition: number): TopicPartition => ({ topic: 'p', partition });
    const q = (partition: number): TopicPartition => ({ topic: 'q', partition });
    const uneven = [
      { ...members[0]!, userData: owned([p(0), p(1), p(2)]) },
      { ...members[1]!, userData: owned([q(0), q(1)]) },
      { ...members[2]!, userData: owned([q(2)]) },
    ];
    const counted = new Map([
      ['p', 3],
      ['q', 3],
    ]);
    expect(sizes(stickyAssignor.assign(counted, uneven))).toEqual([2, 2, 2]);
  });

  it('stays with an even assignment and takes foreign user data for none', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 6 }), (count, n) => {
        const members = Array.from({ length: n }, (_, i) => member(`m${i}`, ['t']));
        const first = stickyAssignor.assign(new Map([['t', count]]), members);
        const again = stickyAssignor.assign(new Map([['t', count]]), remembering(members, first, 1));
        expect(again).toEqual(first);
        const foreign = members.map((one) => ({ ...one, userData: Buffer.from('not ours') }));
        expect(stickyAssignor.assign(new Map([['t', count]]), foreign)).toEqual(first);
      }),
      { numRuns: 50 },
    );
  });

  it('writes its memory as Java does', () => {
    const partitions = [
      { topic: 'a', partition: 0 },
      { topic: 'a', partition: 2 },
      { topic: 'b', partition: 1 },
    ];
    expect(stickyAssignor.userData!({ partitions, generationId: 5 })!.toString('hex')).toBe(
      '00000002000161000000020000000000000002000162000000010000000100000005',
    );
  });
});
