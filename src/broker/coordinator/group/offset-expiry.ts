import { type GroupRecord } from '../offset-records.js';
import { type GroupHost } from './group-host.js';
import { type GroupShard } from './group-shard.js';

/** The tombstones that are due: of offsets whose time is over, and of groups that nothing is left of. */
export function expiredRecords(shard: GroupShard, retentionMs: number, now: number): GroupRecord[] {
  return shard.hosts().flatMap((host) => expiredOf(shard, host, retentionMs, now));
}

function expiredOf({ offsets }: GroupShard, { group }: GroupHost, retentionMs: number, now: number): GroupRecord[] {
  const { groupId } = group;
  const { pending } = offsets;
  // What an open transaction is about to commit is not idle, whatever the age of the commit before.
  const expired: GroupRecord[] = offsets.tombstones(
    groupId,
    (topic, committed, partition) =>
      group.hasExpired(topic, committed, retentionMs, now) && !pending.has(groupId, topic, partition),
  );
  const isForgotten = group.isAbandoned && !pending.hasAny(groupId) && expired.length === offsets.of(groupId).size;
  return isForgotten ? [...expired, { type: 'group', groupId, value: null }] : expired;
}
