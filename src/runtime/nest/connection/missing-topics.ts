import { NestdawError } from '../../../common/errors.js';
import { type Cluster } from '../../client/cluster/cluster.js';

// `listener.missing-topics-fatal`: an application that reads a topic which nobody made does not start.

/** Throws KAFKA_CONFIG_INVALID naming the topics that do not exist. Opens the cluster, and closes it again. */
export async function requireTopics(cluster: Cluster, topics: ReadonlyMap<string, readonly string[]>): Promise<void> {
  try {
    await cluster.connect();
    const missing: string[] = [];
    for (const [topic, listeners] of topics) {
      if ((await cluster.partitionsOf(topic)) === undefined) missing.push(`${topic} (${listeners.join(', ')})`);
    }
    if (missing.length === 0) return;
    throw new NestdawError(
      'KAFKA_CONFIG_INVALID',
      `topics of listeners do not exist: ${missing.join('; ')}; create them, correct the names, or set ` +
        'kafka.listener.missing-topics-fatal=false to start without them',
    );
  } finally {
    await cluster.close();
  }
}
