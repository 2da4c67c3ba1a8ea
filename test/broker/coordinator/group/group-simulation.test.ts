import assert from 'node:assert/strict';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type JoinAnswer, type SyncAnswer } from '../../../../src/broker/coordinator/group/group-effects.js';
import { GROUP, GroupBench, type Waiting } from '../../../support/group-bench.js';
import { flush } from '../../../support/manual-clock.js';

// Members that do as they please, in any order and at any time. A state change that is not in the table and a second
// answer to one request throw by themselves; the rest is checked here after every step.

const MEMBERS = 4;
/** The last one is a static member. */
const isStatic = (i: number) => i === MEMBERS - 1;

interface Slot {
  memberId: string;
  generationId: number;
}

const member = fc.nat(MEMBERS - 1);
const anyStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('join' as const),
      i: member,
      asNew: fc.boolean(),
      knownId: fc.boolean(),
      flavour: fc.nat(2),
    }),
  },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('sync' as const), i: member }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('heartbeat' as const), i: member }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('leave' as const), i: member }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('commit' as const),
      i: member,
      asMember: fc.boolean(),
      offset: fc.nat(1_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant('advance' as const), ms: fc.constantFrom(1, 1_000, 3_000, 9_000, 60_000) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('log' as const), errorCode: fc.constantFrom(0, 0, 56) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('restart' as const) }) },
  // Chance alone seldom makes a group stable: some of them do what members should, from join to sync.
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant('cooperate' as const), who: fc.uniqueArray(member, { minLength: 1 }) }),
  },
);
type Step = typeof anyStep extends fc.Arbitrary<infer S> ? S : never;

class Simulation {
  readonly slots: Slot[] = Array.from({ length: MEMBERS }, () => ({ memberId: '', generationId: -1 }));
  readonly waiting: Array<Waiting<JoinAnswer> | Waiting<SyncAnswer>> = [];
  /** Who led which generation; a static member may do so under several ids, a restart may give a number again. */
  readonly leaders = new Map<number, string>();
  lastGeneration = 0;
  /** What a look at an answer found wrong. */
  readonly #failures: unknown[] = [];

  constructor(readonly bench: GroupBench) {}

  async step(step: Step): Promise<void> {
    const { bench } = this;
    if (step.op === 'advance') await bench.clock.advance(step.ms);
    else if (step.op === 'log') bench.log.errorCode = step.errorCode;
    else if (step.op === 'restart') await this.#restart();
    else if (step.op === 'cooperate') await this.#cooperate(step.who);
    else this.#request(step);
    await flush(1);
    if (this.#failures.length > 0) throw this.#failures[0];
    await this.#matchesLog();
  }

  async #restart(): Promise<void> {
    await this.bench.restart();
    this.leaders.clear();
    this.lastGeneration = 0;
  }

  #request(step: Exclude<Step, { op: 'advance' | 'log' | 'restart' | 'cooperate' }>): void {
    const { bench } = this;
    const slot = this.slots[step.i]!;
    const answer = { ...slot } as JoinAnswer;
    switch (step.op) {
      case 'join':
        this.#join(step.i, step);
        return;
      case 'sync': {
        const assignments = this.slots.map(({ memberId }, i) => ({ memberId, assignment: Buffer.from([i]) }));
        this.waiting.push(bench.sync(answer, { assignments }));
        return;
      }
      case 'heartbeat':
        bench.heartbeat(answer);
        return;
      case 'leave':
        bench.leave(answer);
        return;
      case 'commit': {
        const identity = step.asMember ? slot : {};
        void bench.commit({ offset: step.offset, ...identity });
      }
    }
  }

  async #cooperate(who: readonly number[]): Promise<void> {
    for (const i of who) this.#join(i, { asNew: this.slots[i]!.memberId === '', knownId: false, flavour: 1 });
    await this.bench.clock.advance(9_000);
    for (const i of who) this.#request({ op: 'sync', i });
  }

  #join(i: number, step: { asNew: boolean; knownId: boolean; flavour: number }): void {
    const slot = this.slots[i]!;
    const names = [['a'], ['a', 'b'], ['b', 'a']][step.flavour]!;
    const join = this.bench.join({
      memberId: step.asNew ? '' : slot.memberId,
      groupInstanceId: isStatic(i) ? 'static' : null,
      supportsSkippingAssignment: step.knownId,
      requireKnownMemberId: step.knownId,
      protocols: names.map((name) => ({ name, metadata: Buffer.from(name) })),
    });
    this.waiting.push(join);
    join.promise.then((answer) => this.#joined(slot, answer)).catch((error: unknown) => this.#failures.push(error));
  }

  #joined(slot: Slot, answer: JoinAnswer): void {
    if (answer.errorCode === 79) slot.memberId = answer.memberId;
    if (answer.errorCode !== 0) return;
    Object.assign(slot, { memberId: answer.memberId, generationId: answer.generationId });
    assert(
      answer.generationId >= this.lastGeneration,
      `generation ${answer.generationId} after ${this.lastGeneration}`,
    );
    this.lastGeneration = answer.generationId;
    if (answer.leader !== answer.memberId) {
      assert.deepEqual(answer.members, [], 'a follower is told of the others');
      return;
    }
    assert(
      answer.members.some(({ memberId }) => memberId === answer.memberId),
      'a leader misses itself',
    );
    if (answer.memberId.startsWith('static-')) return;
    assert.equal(this.leaders.get(answer.generationId) ?? answer.memberId, answer.memberId, 'two leaders');
    this.leaders.set(answer.generationId, answer.memberId);
  }

  /** What another process would find in the log is what this one has. */
  async #matchesLog(): Promise<void> {
    const { bench } = this;
    const other = bench.another();
    await other.start();
    assert.deepEqual(other.offsets.fetch(GROUP, null), bench.coordinator.offsets.fetch(GROUP, null));
    const live = bench.coordinator.describe(GROUP);
    if (typeof live === 'object' && live.state === 'Stable') assert.deepEqual(other.describe(GROUP), live);
    await other.stop();
  }

  /** Nobody does anything any more: all sessions end, and nobody is left waiting. */
  async end(): Promise<void> {
    this.bench.log.errorCode = 0;
    await this.bench.clock.advance(600_000);
    await this.#matchesLog();
    assert.equal(this.waiting.filter(({ answer }) => answer === undefined).length, 0, 'requests without an answer');
    assert(['Empty', undefined].includes(this.bench.state), `the group is ${this.bench.state}`);
  }
}

describe('a classic group', () => {
  it('keeps its rules whatever its members do, and its log tells the same', async () => {
    const checked = fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 20, maxLength: 50, size: 'max' }), async (steps) => {
        const retention = { offsetsRetentionCheckIntervalMs: 2_000_000_000 };
        const simulation = new Simulation(await GroupBench.open(retention));
        for (const step of steps) await simulation.step(step);
        await simulation.end();
        await simulation.bench.coordinator.stop();
      }),
      { numRuns: 60 },
    );
    await expect(checked).resolves.toBeUndefined();
  });
});
