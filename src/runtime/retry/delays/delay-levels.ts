// Any delay by waiting in partitions of fixed delays: a record waits in the one of the largest that is not too long,
// then in that of the rest, and so on. In one partition all wait equally long, so its first record is always the one
// that is due first, however many there are.
//
//   partition 0: what is left, below a second · 1: 1 s · 2: 2 s · 3: 4 s · … · 22: 24 days

export const LEVELS = 23;
const UNIT_MS = 1_000;

export interface DelayHop {
  readonly partition: number;
  readonly waitMs: number;
}

/** Where a record waits next that is due in so many ms. */
export function nextHop(remainingMs: number): DelayHop {
  if (remainingMs < UNIT_MS) return { partition: 0, waitMs: Math.max(0, remainingMs) };
  const level = Math.min(LEVELS - 2, Math.floor(Math.log2(remainingMs / UNIT_MS)));
  return { partition: level + 1, waitMs: UNIT_MS * 2 ** level };
}
