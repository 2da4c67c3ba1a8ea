import { hasCode, messageOf } from '../../../../common/errors.js';
import { isWorthRetrying } from '../../cluster/coordinator.js';
import { type CommitOffset } from '../../consumer-client.js';
import { type ConsumerSettings } from '../consumer-options.js';
import { type Generation } from '../membership/group-term.js';
import { pauseAfter } from '../retry.js';
import { type OffsetClient } from './offset-client.js';

// The commit of start positions, before the first record is handed over. A coordinator or a store that is away just
// then is waited for, like one that does not say where to begin: nothing is read meanwhile, and nothing has failed.

/**
 * False when the assignment has ended meanwhile.
 *
 * @throws what the group or the store refuses it with
 */
export async function commitFirst(
  starts: readonly CommitOffset[],
  generation: Generation,
  offsets: OffsetClient,
  settings: ConsumerSettings,
  ended: AbortSignal,
): Promise<boolean> {
  for (let failures = 1; !ended.aborted; failures++) {
    try {
      await offsets.commit(starts, generation);
      return true;
    } catch (error) {
      if (!isCurable(error, settings)) throw error;
      if (failures === 1) {
        const { groupId, logger } = settings;
        logger.warn(
          `where group '${groupId}' begins could not be committed: ${messageOf(error)}; nothing is read until it is`,
        );
      }
    }
    await pauseAfter(failures, settings, ended);
  }
  return false;
}

/** A store of the application's says in its own words that it is away. */
function isCurable(error: unknown, { offsets }: ConsumerSettings): boolean {
  if (!offsets) return isWorthRetrying(error);
  return !hasCode(error, 'KAFKA_CONFIG_INVALID') && !isRefusedByStore(error);
}

/** Somebody else owns the partition by what the store knows. */
export function isRefusedByStore(error: unknown): boolean {
  return hasCode(error, 'KAFKA_COMMIT_FAILED');
}
