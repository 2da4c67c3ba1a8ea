import { type GroupRecord } from '../offset-records.js';
import { type GroupHost } from './group-host.js';
import { type GroupShard } from './group-shard.js';

/** The tombstones that are due: of offsets whose time is over, and of groups that nothing is left of. */
export function expiredRecords(shard: GroupShard, retentionMs: number, now: number): GroupRecord[] {
  return shard.hosts().flatMap((host) => expiredOf(shard, host, retentionMs, now));
}

function expiredOf({ offsets }: GroupShard, { group }: GroupHost, retentionMs: number, now: number): GroupRecord[] {
  const { groupId } = group;
  const expired: GroupRecord[] = offsets.tombstones(groupId, (topic, committed) =>
    group.hasExpired(topic, committed, retentionMs, now),
  );
  const isForgotten = group.isAbandoned && expired.length === offsets.of(groupId).size;
  return isForgotten ? [...expired, { type: 'group', groupId, value: null }] : expired;
}
