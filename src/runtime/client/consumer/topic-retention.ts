import { ErrorCode } from '../../../protocol/error-codes.js';
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.js';
import { type Cluster } from '../cluster/cluster.js';
import { type ConsumerSettings } from './consumer-options.js';

// After how long topics delete what is in them, asked of any node now and then.

/** How long an answer is good for. */
const GOOD_FOR_MS = 600_000;
const TOPIC = 2;

interface Known {
  /** Undefined where nothing is deleted for its age, or nobody may say. */
  readonly ms: number | undefined;
  readonly at: number;
}

export class TopicRetention {
  readonly #known = new Map<string, Known>();

  constructor(
    readonly cluster: Cluster,
    readonly settings: ConsumerSettings,
  ) {}

  /** Ms by topic; topics that keep their records, or whose configs this client may not see, have no entry. */
  async of(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const now = this.settings.clock.monotonic();
    const asked = topics.filter(
      (topic) => (this.#known.get(topic)?.at ?? Number.NEGATIVE_INFINITY) < now - GOOD_FOR_MS,
    );
    if (asked.length > 0) await this.#ask(asked, now);
    return new Map(
      topics.flatMap((topic) => {
        const ms = this.#known.get(topic)?.ms;
        return ms === undefined ? [] : [[topic, ms] as const];
      }),
    );
  }

  async #ask(topics: readonly string[], at: number): Promise<void> {
    const nodeId = this.cluster.nodes()[0]?.nodeId ?? -1;
    const version = await this.cluster.versionOf(nodeId, DescribeConfigs);
    const { results } = await this.cluster.send(nodeId, DescribeConfigs, version, {
      resources: topics.map((resourceName) => ({
        resourceType: TOPIC,
        resourceName,
        configurationKeys: ['retention.ms', 'cleanup.policy'],
      })),
      includeSynonyms: false,
    });
    for (const { errorCode, resourceName, configs } of results) {
      const values = new Map(configs.map(({ name, value }) => [name, value]));
      const ms = Number(values.get('retention.ms') ?? -1);
      const deletes = (values.get('cleanup.policy') ?? 'delete').split(',').includes('delete');
      const isKnown = errorCode === ErrorCode.NONE && deletes && ms > 0;
      this.#known.set(resourceName, { ms: isKnown ? ms : undefined, at });
    }
  }
}
