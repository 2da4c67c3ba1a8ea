import { sleep } from '../../../../common/clock.js';
import { messageOf } from '../../../../common/errors.js';
import { ErrorCode, errorName } from '../../../../protocol/error-codes.js';
import { LeaveGroup } from '../../../../protocol/messages/13-leave-group.js';
import { type Cluster } from '../../cluster/cluster.js';
import { type Coordinator } from '../../cluster/coordinator.js';
import { type ConsumerSettings } from '../consumer-options.js';

// Leaving the group, so that peers take over now and not when the session ends. One short try: the consumer stops
// in any case.

const PATIENCE_MS = 1_000;

export interface Leaving {
  readonly memberId: string;
  /** Carries the request while a JoinGroup is waiting and blocks the group's own connection. */
  readonly spare?: Cluster | undefined;
  /** Also when the member is expected back. */
  readonly forGood?: boolean;
}

export async function leaveGroup(
  coordinator: Coordinator,
  settings: ConsumerSettings,
  { memberId, spare, forGood = false }: Leaving,
): Promise<void> {
  const { nodeId } = coordinator;
  if (memberId === '' || !(settings.leaveOnStop || forGood) || nodeId === undefined) return;
  const answer = send(spare ?? coordinator.cluster, nodeId, settings, memberId).catch(messageOf);
  const gaveUp = new AbortController();
  const late = sleep(settings.clock, PATIENCE_MS, gaveUp.signal).then(() => `no answer within ${PATIENCE_MS} ms`);
  const problem = await Promise.race([answer, late]);
  gaveUp.abort();
  if (problem === undefined) return;
  const { groupId, sessionTimeoutMs, logger } = settings;
  logger.warn(
    `could not leave group '${groupId}' (${problem}): its peers take over after session.timeout.ms=${sessionTimeoutMs}`,
  );
}

/** Undefined when the member is out of the group, else what went wrong. */
async function send(
  cluster: Cluster,
  nodeId: number,
  { groupId, groupInstanceId }: ConsumerSettings,
  memberId: string,
): Promise<string | undefined> {
  const version = await cluster.versionOf(nodeId, LeaveGroup, 5);
  const { errorCode, members } = await cluster.send(
    nodeId,
    LeaveGroup,
    version,
    { groupId, memberId, members: [{ memberId, groupInstanceId, reason: 'the consumer stops' }] },
    { timeoutMs: PATIENCE_MS },
  );
  const code = errorCode || (members[0]?.errorCode ?? ErrorCode.NONE);
  return code === ErrorCode.NONE || code === ErrorCode.UNKNOWN_MEMBER_ID ? undefined : errorName(code);
}
