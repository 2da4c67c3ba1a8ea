import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MemoryBudget, type MemoryShare } from '../../src/runtime/dispatch/memory-budget.js';

// Partitions come and go, are given records as far as they may be, and finish them in any order; the test counts
// itself.

interface Holder {
  bytes: number;
  share?: MemoryShare;
  /** As it was told; what it is not told it does not know. */
  isPaused: boolean;
  isWatched: boolean;
}

type Command =
  | { readonly type: 'put'; readonly pick: number; readonly bytes: number }
  | { readonly type: 'take'; readonly pick: number; readonly share: number }
  | { readonly type: 'open' }
  | { readonly type: 'close'; readonly pick: number };

const LARGEST = 60;
const pick = fc.nat();
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ type: fc.constant('put' as const), pick, bytes: fc.integer({ min: 1, max: LARGEST }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('take' as const),
      pick,
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('open' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('close' as const), pick }) },
);

class World {
  readonly budget: MemoryBudget;
  holders: Holder[] = [];

  constructor(bytes: number) {
    this.budget = new MemoryBudget(bytes);
  }

  readonly #changed = (holders: readonly Holder[]): void => {
    for (const holder of holders) this.#read(holder);
  };

  #read(holder: Holder): void {
    holder.isPaused = holder.share!.isPaused;
    holder.isWatched = holder.share!.isWatched;
  }

  get held(): number {
    return this.holders.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  open(): Holder {
    const holder: Holder = { bytes: 0, isPaused: false, isWatched: false };
    holder.share = this.budget.open(holder, holder, this.#changed);
    this.#read(holder);
    this.holders.push(holder);
    return holder;
  }

  put(holder: Holder, bytes: number): void {
    holder.bytes += bytes;
    holder.share!.update();
  }

  take(holder: Holder, bytes: number): void {
    holder.bytes -= bytes;
    if (holder.isWatched) holder.share!.update();
  }

  close(holder: Holder): void {
    this.holders = this.holders.filter((other) => other !== holder);
    holder.share!.close();
  }

  run(step: Command): void {
    if (step.type === 'open') {
      if (this.holders.length < 12) this.open();
      return;
    }
    const holder = this.holders[step.pick % Math.max(1, this.holders.length)];
    if (holder === undefined) return;
    if (step.type === 'close') this.close(holder);
    else if (step.type === 'take') this.take(holder, Math.floor(holder.bytes * step.share));
    else if (!holder.isPaused) this.put(holder, step.bytes);
  }
}

/** What is not as it must be. */
function mistakesIn({ budget: { bytes }, held, holders }: World): string[] {
  const share = bytes / 2 / Math.max(1, holders.length);
  const mistakes = held < bytes + LARGEST ? [] : [`${held} of ${bytes} are held`];
  const must = (holder: Holder, isPaused: boolean, why: string) => {
    if (holder.isPaused !== isPaused) mistakes.push(`${holder.bytes} paused: ${holder.isPaused}, ${why}`);
  };
  for (const holder of holders) {
    must(holder, holder.share!.isPaused, 'told otherwise');
    if (held >= bytes) must(holder, true, 'nothing is left');
    if (held <= bytes / 4) must(holder, false, 'there is plenty');
    // Whatever the others hold, it has its share, or half of it when it has used it up once.
    if (held <= bytes - share && holder.bytes <= share / 2) must(holder, false, 'it has not used up its share');
    if (held >= bytes / 2 && holder.bytes >= share) must(holder, true, 'it has used up its share');
  }
  return mistakes;
}

describe('what the partitions of a listener hold together', () => {
  it('exceeds the budget by one poll at most, and nobody waits while there is room', () => {
    const commands = fc.array(command, { maxLength: 400, size: 'max' });
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 2_000 }), commands, (bytes, steps) => {
        const world = new World(bytes);
        for (let i = 0; i < 3; i++) world.open();
        for (const step of steps) {
          world.run(step);
          expect(mistakesIn(world)).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never lets those that hang stop those that go on', () => {
    const world = new World(8_000);
    const hanging = Array.from({ length: 7 }, () => world.open());
    const going = world.open();
    let passed = 0;
    for (let round = 0; round < 2_000; round++) {
      const hung = hanging[round % hanging.length]!;
      if (!hung.isPaused) world.put(hung, 10);
      if (going.isPaused) continue;
      world.put(going, 10);
      world.take(going, 10);
      passed++;
    }
    expect(hanging.every(({ isPaused }) => isPaused)).toBe(true);
    expect(passed).toBe(2_000);
  });

  it('is no bound when there is none', () => {
    const world = new World(Number.POSITIVE_INFINITY);
    const holder = world.open();
    world.put(holder, Number.MAX_SAFE_INTEGER);
    expect(holder.isPaused).toBe(false);
  });
});
