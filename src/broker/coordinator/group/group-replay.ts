import { type GroupMetadata } from '../offset-records.js';
import { type GroupCore } from './group-core.js';
import { GroupMember } from './group-member.js';
import { removeMember, replaceMember } from './group-rebalance.js';

/**
 * Applies a stored group record: the only place that hands out assignments and makes a group stable. It runs right
 * after the append, and after a restart on an empty group; so what a restart finds is what was there before.
 */
export function replay(group: GroupCore, metadata: GroupMetadata): void {
  group.generationId = metadata.generationId;
  group.protocolType = metadata.protocolType;
  group.protocolName = metadata.protocolName;
  const stored = new Set<string>();
  for (const value of metadata.members) {
    stored.add(value.memberId);
    memberFor(group, value, metadata.protocolName).assignment = value.assignment;
  }
  for (const member of group.roster.all()) if (!stored.has(member.memberId)) removeMember(group, member);
  group.leaderId = metadata.leaderId;
  const state = metadata.members.length > 0 ? 'Stable' : 'Empty';
  if (group.state !== state) group.moveTo(state, metadata.currentStateTimestamp);
}

function memberFor(group: GroupCore, value: GroupMetadata['members'][number], protocolName: string | null) {
  const known = group.roster.get(value.memberId);
  if (known) return known;
  const member = GroupMember.restored(value, protocolName);
  const previous = group.roster.ofInstance(value.groupInstanceId);
  if (previous) replaceMember(group, previous, member);
  else group.roster.add(member);
  return member;
}
