import { messageOf, NestdawError } from '../../../common/errors.js';
import { JoinGroup } from '../../../protocol/messages/11-join-group.js';
import { type Cluster } from '../cluster/cluster.js';
import { Coordinator, isConnectionTrouble } from '../cluster/coordinator.js';
import { type ConsumerSettings } from './consumer-options.js';
import { pauseAfter } from './retry.js';

// The two clusters of a consumer. A broker that is not there yet is waited for: an application may start before it.

export interface ClusterPair {
  /** Group requests only: a JoinGroup may block its connection for minutes. */
  readonly group: Cluster;
  /** Fetches, metadata, log offsets. */
  readonly fetch: Cluster;
  /** Of the group; looked up while the clusters connect. */
  readonly coordinator: Coordinator;
}

/** Connects both at the same time; what fails for one as for the other is told once. */
export async function connectPair(
  settings: ConsumerSettings,
  stopping: AbortSignal,
  onDisconnected: (reason: string) => void,
): Promise<ClusterPair> {
  const { groupId, logger } = settings;
  let told = 0;
  const onFailure = (failures: number, error: unknown): void => {
    if (failures <= told) return;
    told = failures;
    if (failures === 1) onDisconnected(messageOf(error));
    if (failures % 10 === 1) logger.warn(`group '${groupId}': ${messageOf(error)}; tried again`);
  };
  // A failure for good of one of them ends the other's tries.
  const giveUp = new AbortController();
  const either = AbortSignal.any([stopping, giveUp.signal]);
  let coordinator!: Coordinator;
  const joining = (cluster: Cluster): Promise<void> => {
    coordinator = new Coordinator(cluster, 'group', groupId);
    if (groupId !== '') coordinator.prepare(JoinGroup);
    return cluster.connect();
  };
  const reading = (cluster: Cluster): Promise<void> => cluster.connect(settings.topicPattern ? [] : settings.topics);
  const connecting = [
    connect(settings, either, onFailure, joining),
    connect(settings, either, onFailure, reading),
  ] as const;
  try {
    const [group, fetch] = await Promise.all(connecting);
    return { group, fetch, coordinator };
  } catch (error) {
    giveUp.abort();
    for (const one of await Promise.allSettled(connecting)) if (one.status === 'fulfilled') await one.value.close();
    throw error;
  }
}

async function connect(
  settings: ConsumerSettings,
  stopping: AbortSignal,
  onFailure: (failures: number, error: unknown) => void,
  begin: (cluster: Cluster) => Promise<void>,
): Promise<Cluster> {
  for (let failures = 1; ; failures++) {
    const cluster = settings.createCluster();
    const closeNow = (): void => void cluster.close().catch(() => undefined);
    stopping.addEventListener('abort', closeNow, { once: true });
    try {
      if (!stopping.aborted) await begin(cluster);
      if (!stopping.aborted) return cluster;
    } catch (error) {
      await cluster.close();
      if (!isConnectionTrouble(error) && !stopping.aborted) throw error;
      if (!stopping.aborted) onFailure(failures, error);
    } finally {
      stopping.removeEventListener('abort', closeNow);
    }
    await pauseAfter(failures, settings, stopping);
    if (stopping.aborted) throw new NestdawError('KAFKA_STOPPED', 'the consumer was stopped before it had connected');
  }
}
