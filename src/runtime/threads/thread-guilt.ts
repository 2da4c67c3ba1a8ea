import { type ThreadBoard } from './thread-board.js';

// Which of its calls a thread died of. Pure, but for a look at the thread's board.

interface Suspect {
  readonly overdue: unknown;
  deaths: number;
}

/**
 * Those that were too slow, when it was killed for them. Else the one whose synchronous part was running. Else, when it
 * ended between the steps of several calls, nobody can tell: the only one that had begun, or those that a thread died
 * with before; the others are noted.
 */
export function guiltyOf<C extends Suspect>(
  had: ReadonlyArray<{ readonly slot: number; readonly call: C }>,
  board: Pick<ThreadBoard, 'blockedBy' | 'runningFor'>,
): Set<C> {
  const overdue = had.filter(({ call }) => call.overdue !== undefined);
  if (overdue.length > 0) return callsOf(overdue);
  const inside = board.blockedBy;
  const blocking = had.filter(({ slot }) => slot === inside);
  if (blocking.length > 0) return callsOf(blocking);
  const begun = had.filter(({ slot }) => board.runningFor(slot) !== undefined);
  if (begun.length === 1) return callsOf(begun);
  const before = begun.filter(({ call }) => call.deaths > 0);
  for (const { call } of begun) call.deaths++;
  return callsOf(before);
}

function callsOf<C>(had: ReadonlyArray<{ readonly call: C }>): Set<C> {
  return new Set(had.map(({ call }) => call));
}
