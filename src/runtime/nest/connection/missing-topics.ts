import { NestdawError } from '../../../common/errors.js';
import { type Cluster } from '../../client/cluster/cluster.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';

// `listener.missing-topics-fatal`: what reads a topic that nobody made does not start. Spring asks at each container's
// start; an application is asked for all of its listeners at once besides, before any of them starts.

export class TopicCheck {
  readonly #openCluster: () => Cluster;
  readonly #prefix: string;
  /** Asked for with all others already: their next start need not ask again. */
  readonly #checked = new WeakSet<ListenerEndpoint>();

  /** @param prefix of the connection's keys */
  constructor(openCluster: () => Cluster, prefix: string) {
    this.#openCluster = openCluster;
    this.#prefix = prefix;
  }

  /** Before any of them starts. Throws KAFKA_CONFIG_INVALID naming each topic that is missing, and who reads it. */
  async all(endpoints: readonly ListenerEndpoint[]): Promise<void> {
    await this.#require(endpoints);
    for (const endpoint of endpoints) this.#checked.add(endpoint);
  }

  /** At the start of one of them; throws the same. */
  async atStart(endpoint: ListenerEndpoint): Promise<void> {
    if (!this.#checked.delete(endpoint)) await this.#require([endpoint]);
  }

  async #require(endpoints: readonly ListenerEndpoint[]): Promise<void> {
    const readers = readersOf(endpoints.filter(({ missingTopicsFatal }) => missingTopicsFatal));
    const missing = readers.size === 0 ? [] : await this.#missing(readers);
    if (missing.length === 0) return;
    throw new NestdawError(
      'KAFKA_CONFIG_INVALID',
      `topics of listeners do not exist: ${missing.join('; ')}; create them, correct the names, or set ` +
        `${this.#prefix}.listener.missing-topics-fatal=false (missingTopicsFatal: false of a listener) to start ` +
        'without them',
    );
  }

  /** Opens the cluster, and closes it again. */
  async #missing(readers: ReadonlyMap<string, readonly string[]>): Promise<string[]> {
    const cluster = this.#openCluster();
    try {
      await cluster.connect();
      const missing: string[] = [];
      for (const [topic, listeners] of readers) {
        if ((await cluster.partitionsOf(topic)) === undefined) missing.push(`${topic} (${listeners.join(', ')})`);
      }
      return missing;
    } finally {
      await cluster.close();
    }
  }
}

/** Topics that are named, with their readers. A pattern may match nothing yet. */
function readersOf(endpoints: readonly ListenerEndpoint[]): Map<string, string[]> {
  const readers = new Map<string, string[]>();
  for (const { id, topics, assignment } of endpoints) {
    const listed = typeof assignment === 'object' ? assignment.map(({ topic }) => topic) : [];
    for (const topic of new Set([...topics, ...listed])) readers.set(topic, [...(readers.get(topic) ?? []), id]);
  }
  return readers;
}
