import { type GroupMember, type MemberFacts } from './group-member.js';

// Which assignment strategy a generation uses: only names that all members support count; each member votes for the
// first such name in its list. So a rolling change of strategy works: the new one wins once everybody has it.

/** Undefined when the members share none. At equal votes the choice of the member that joined first wins. */
export function selectProtocol(members: readonly GroupMember[]): string | undefined {
  const candidates = sharedProtocols(members);
  const votes = new Map<string, number>();
  for (const { facts } of members) {
    const choice = facts.protocols.find(({ name }) => candidates.has(name));
    if (choice) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
  }
  let winner: string | undefined;
  for (const [name, count] of votes) if (winner === undefined || count > votes.get(winner)!) winner = name;
  return winner;
}

/** Whether somebody with these protocols could be a member beside the others. */
export function fitsIn(facts: Pick<MemberFacts, 'protocols'>, others: readonly GroupMember[]): boolean {
  return facts.protocols.some(({ name }) => others.every((member) => member.supports(name)));
}

function sharedProtocols(members: readonly GroupMember[]): Set<string> {
  const [first, ...others] = members;
  const names = first?.facts.protocols.map(({ name }) => name) ?? [];
  return new Set(names.filter((name) => others.every((member) => member.supports(name))));
}
