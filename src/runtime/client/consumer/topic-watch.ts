import { type Timer } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import { type Cluster } from '../cluster/cluster.js';
import { type ConsumerSettings } from './consumer-options.js';
import { partitionCounts } from './group-leader.js';

// Looks at the topics again every metadata.max.age.ms: a missing one is waited for with a warning, and the group's
// leader makes it rebalance when partitions were added (followers cannot: the group does not heed their rejoin).

/** How soon a missing topic is looked for again. */
const MISSING_RETRY_MS = 1_000;

export interface TopicWatchListener {
  /** Partition counts that the group's assignment was made for; undefined while this member does not lead. */
  assignedCounts(): ReadonlyMap<string, number> | undefined;
  onChange(reason: string): void;
}

export class TopicWatch {
  #timer: Timer | undefined;
  #stopped = false;
  readonly #missing = new Set<string>();

  constructor(
    readonly cluster: Cluster,
    readonly settings: ConsumerSettings,
    readonly listener: TopicWatchListener,
  ) {}

  /** Looks once, then again and again. Missing topics and an absent cluster are waited for. */
  async start(): Promise<void> {
    await this.#look();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const assigned = this.listener.assignedCounts() ?? new Map<string, number>();
    const topics = new Set([...this.settings.topics, ...assigned.keys()]);
    try {
      const counts = await partitionCounts(this.cluster, [...topics]);
      if (this.#stopped) return;
      this.#warnOfMissing(counts);
      const changes = [...assigned].filter(([topic, count]) => (counts.get(topic) ?? 0) !== count);
      if (changes.length > 0) this.listener.onChange(describe(changes, counts));
    } catch (error) {
      this.settings.logger.debug?.(`metadata of group '${this.settings.groupId}': ${messageOf(error)}`);
    }
    if (this.#stopped) return;
    const { clock, metadataMaxAgeMs } = this.settings;
    const delayMs = this.#missing.size > 0 ? Math.min(MISSING_RETRY_MS, metadataMaxAgeMs) : metadataMaxAgeMs;
    this.#timer = clock.schedule(delayMs, () => void this.#look());
  }

  #warnOfMissing(counts: ReadonlyMap<string, number>): void {
    const { topics, groupId, logger } = this.settings;
    for (const topic of topics) {
      if ((counts.get(topic) ?? 0) > 0) {
        if (this.#missing.delete(topic)) logger.log(`topic '${topic}' of group '${groupId}' exists now`);
      } else if (!this.#missing.has(topic)) {
        this.#missing.add(topic);
        logger.warn(
          `topic '${topic}' of group '${groupId}' does not exist: waiting for it; create it or correct the name`,
        );
      }
    }
  }
}

function describe(changes: ReadonlyArray<readonly [string, number]>, counts: ReadonlyMap<string, number>): string {
  return changes
    .map(([topic, count]) => `topic '${topic}' went from ${count} to ${counts.get(topic) ?? 0} partitions`)
    .join(', ');
}
