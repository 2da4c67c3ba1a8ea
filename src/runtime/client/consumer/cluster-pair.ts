import { messageOf, NestdawError } from '../../../common/errors.js';
import { type Cluster } from '../cluster/cluster.js';
import { isConnectionTrouble } from '../cluster/coordinator.js';
import { type ConsumerSettings } from './consumer-options.js';
import { pauseAfter } from './retry.js';

// The two clusters of a consumer. A broker that is not there yet is waited for: an application may start before it.

export interface ClusterPair {
  /** Group requests only: a JoinGroup may block its connection for minutes. */
  readonly group: Cluster;
  /** Fetches, metadata, log offsets. */
  readonly fetch: Cluster;
}

export async function connectPair(
  settings: ConsumerSettings,
  stopping: AbortSignal,
  onDisconnected: (reason: string) => void,
): Promise<ClusterPair> {
  const group = await connect(settings, stopping, onDisconnected);
  try {
    return { group, fetch: await connect(settings, stopping, onDisconnected) };
  } catch (error) {
    await group.close();
    throw error;
  }
}

async function connect(
  settings: ConsumerSettings,
  stopping: AbortSignal,
  onDisconnected: (reason: string) => void,
): Promise<Cluster> {
  for (let failures = 1; ; failures++) {
    const cluster = settings.createCluster();
    const closeNow = (): void => void cluster.close().catch(() => undefined);
    stopping.addEventListener('abort', closeNow, { once: true });
    try {
      if (!stopping.aborted) await cluster.connect();
      if (!stopping.aborted) return cluster;
    } catch (error) {
      await cluster.close();
      if (!isConnectionTrouble(error) && !stopping.aborted) throw error;
      if (failures === 1 && !stopping.aborted) onDisconnected(messageOf(error));
      if (failures % 10 === 1 && !stopping.aborted)
        settings.logger.warn(`group '${settings.groupId}': ${messageOf(error)}; tried again`);
    } finally {
      stopping.removeEventListener('abort', closeNow);
    }
    await pauseAfter(failures, settings, stopping);
    if (stopping.aborted) throw new NestdawError('KAFKA_STOPPED', 'the consumer was stopped before it had connected');
  }
}
