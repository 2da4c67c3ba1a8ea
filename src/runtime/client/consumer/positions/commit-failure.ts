import { messageOf, NestdawError } from '../../../../common/errors.js';
import { ErrorCode } from '../../../../protocol/error-codes.js';
import { type CommitOffset } from '../../consumer-client.js';
import { type ConsumerSettings } from '../consumer-options.js';
import { type MembershipFacts } from '../membership/group-member.js';

// Why a commit was refused, said with the times that were measured and the key to change.

export function commitFailure(
  cause: unknown,
  code: number | undefined,
  offsets: readonly CommitOffset[],
  settings: ConsumerSettings,
  facts: MembershipFacts,
): NestdawError {
  const subject = `commit of ${describe(offsets)} in group '${settings.groupId}' failed: `;
  const retriable = code === undefined || code === ErrorCode.REBALANCE_IN_PROGRESS;
  return new NestdawError('KAFKA_COMMIT_FAILED', subject + explain(cause, code, settings, facts), { cause, retriable });
}

/** A commit of a consumer that is no member: the group takes it only as long as it has none. */
export function standaloneCommitFailure(
  cause: unknown,
  code: number | undefined,
  offsets: readonly CommitOffset[],
  settings: ConsumerSettings,
): NestdawError {
  const { groupId } = settings;
  const isOccupied = code === ErrorCode.UNKNOWN_MEMBER_ID || code === ErrorCode.ILLEGAL_GENERATION;
  const reason = isOccupied
    ? `the group has members, so it takes no commits of a consumer that reads partitions by itself. Another application ` +
      `subscribes with group.id=${groupId}: give this listener a group of its own`
    : explain(cause, code, settings, { silentForMs: 0, drainedForMs: 0 });
  const message = `commit of ${describe(offsets)} in group '${groupId}' failed: ${reason}`;
  return new NestdawError('KAFKA_COMMIT_FAILED', message, { cause, retriable: code === undefined });
}

/** A commit that was not even sent, because the group is between two generations or the partition is not ours. */
export function commitRefused(
  offsets: readonly CommitOffset[],
  settings: ConsumerSettings,
  reason: string,
): NestdawError {
  const message = `commit of ${describe(offsets)} in group '${settings.groupId}' failed: ${reason}`;
  return new NestdawError('KAFKA_COMMIT_FAILED', message, { retriable: true });
}

function explain(cause: unknown, code: number | undefined, settings: ConsumerSettings, facts: MembershipFacts): string {
  switch (code) {
    case ErrorCode.UNKNOWN_MEMBER_ID:
    case ErrorCode.ILLEGAL_GENERATION:
      return expelled(settings, facts);
    case ErrorCode.FENCED_INSTANCE_ID:
      return `another consumer runs with group.instance.id=${settings.groupInstanceId}: give each its own id`;
    case ErrorCode.REBALANCE_IN_PROGRESS:
      return 'the group is rebalancing: what was in work is delivered again to its new owner, or committed after the rejoin';
    case ErrorCode.OFFSET_METADATA_TOO_LARGE:
      return 'its metadata is longer than offset.metadata.max.bytes on the broker (4096 by default): raise it or turn the gap map off';
    case ErrorCode.GROUP_AUTHORIZATION_FAILED:
    case ErrorCode.TOPIC_AUTHORIZATION_FAILED:
      return `${messageOf(cause)}: grant READ on the group and the topic`;
    case undefined:
      return `${messageOf(cause)} (tried for up to default.api.timeout.ms=${settings.defaultApiTimeoutMs}): check the coordinator`;
    default:
      return messageOf(cause);
  }
}

/** The group went on without this member. Three causes, told apart by what was measured. */
function expelled(settings: ConsumerSettings, { silentForMs, drainedForMs }: MembershipFacts): string {
  const { sessionTimeoutMs, maxPollIntervalMs } = settings;
  const gone = 'the group has removed this member and given its partitions away. ';
  if (drainedForMs >= maxPollIntervalMs * 0.9) {
    return (
      `${gone}Draining took ${Math.round(drainedForMs)} ms, the group waits for max.poll.interval.ms=${maxPollIntervalMs}: ` +
      'make handlers faster, lower max.poll.records, add workers, or raise max.poll.interval.ms'
    );
  }
  if (silentForMs >= sessionTimeoutMs * 0.9) {
    return (
      `${gone}No heartbeat was answered for ${Math.round(silentForMs)} ms (session.timeout.ms=${sessionTimeoutMs}): ` +
      'find what held the event loop or the connection, or raise session.timeout.ms'
    );
  }
  return (
    `the group does not know this member, although a heartbeat was answered ${Math.round(silentForMs)} ms ago ` +
    `(session.timeout.ms=${sessionTimeoutMs}). Either an administrator removed it, or a standalone consumer commits ` +
    `under the same group.id: give that one a group.id of its own`
  );
}

function describe(offsets: readonly CommitOffset[]): string {
  const shown = offsets.slice(0, 3).map(({ topic, partition, offset }) => `${topic}-${partition}@${offset}`);
  const rest = offsets.length - shown.length;
  return shown.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

/** Codes that say that the generation or the member is not the group's any more. */
export function isMembershipCode(code: number | undefined): code is number {
  return (
    code === ErrorCode.REBALANCE_IN_PROGRESS ||
    code === ErrorCode.ILLEGAL_GENERATION ||
    code === ErrorCode.UNKNOWN_MEMBER_ID ||
    code === ErrorCode.FENCED_INSTANCE_ID
  );
}
