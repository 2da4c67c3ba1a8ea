// The five states of a classic group and the arrows between them. Every change of state goes through `canMove`.
//
//   state                join                   sync            heartbeat   commit by a member
//   Empty                adds the first member  25              25          25
//   PreparingRebalance   parked                 27              27          stored
//   CompletingRebalance  same again or restart  parked          0           27
//   Stable               same again or restart  its assignment  0           stored
//   Dead                 15                     15              15          15
//
// Empty → PreparingRebalance: a first member came. PreparingRebalance → CompletingRebalance: all are in, or the time
// is over; → Empty: nobody is left. CompletingRebalance → Stable: the leader's assignment is stored; → Preparing
// again: somebody came, left or changed. Empty → Dead: deleted, or expired.

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

export const GROUP_TRANSITIONS: Readonly<Record<GroupState, readonly GroupState[]>> = {
  Empty: ['PreparingRebalance', 'Dead'],
  PreparingRebalance: ['CompletingRebalance', 'Empty'],
  CompletingRebalance: ['Stable', 'PreparingRebalance'],
  Stable: ['PreparingRebalance'],
  Dead: [],
};

export function canMove(from: GroupState, to: GroupState): boolean {
  return GROUP_TRANSITIONS[from].includes(to);
}
