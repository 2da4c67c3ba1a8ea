import { type Timer } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import { type Cluster } from '../cluster/cluster.js';
import { type ConsumerSettings } from './consumer-options.js';
import { type TopicSelection } from './topic-selection.js';

// Looks at the topics again every metadata.max.age.ms: a missing one is waited for with a warning, and the group's
// leader makes it rebalance when partitions were added (followers cannot: the group does not heed their rejoin). A
// member whose pattern matches other topics than before joins again with them, leader or not.

/** How soon a missing topic is looked for again. */
const MISSING_RETRY_MS = 1_000;

export interface TopicWatchListener {
  /** Partition counts that the group's assignment was made for; undefined while this member does not lead. */
  assignedCounts(): ReadonlyMap<string, number> | undefined;
  /** Topics that the member's last join named; undefined before the first. */
  joinedTopics(): readonly string[] | undefined;
  onChange(reason: string): void;
}

export class TopicWatch {
  #timer: Timer | undefined;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;
  readonly #missing = new Set<string>();

  constructor(
    readonly cluster: Cluster,
    readonly settings: ConsumerSettings,
    readonly selection: TopicSelection,
    readonly listener: TopicWatchListener,
  ) {}

  /** Looks once, then again and again. Missing topics and an absent cluster are waited for. */
  async start(): Promise<void> {
    await this.lookNow();
  }

  /** Looks without waiting for the next time; behind a look that is under way. */
  lookNow(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look());
    return this.#looking;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const assigned = this.listener.assignedCounts() ?? new Map<string, number>();
    let isWaiting = false;
    try {
      const counts = await this.selection.look(this.cluster, assigned.keys());
      if (this.#stopped) return;
      this.#warnOfMissing(counts);
      isWaiting = this.#missing.size > 0;
      this.#compare(assigned, counts);
    } catch (error) {
      this.settings.logger.debug?.(`metadata of group '${this.settings.groupId}': ${messageOf(error)}`);
      isWaiting = true;
    }
    if (this.#stopped) return;
    this.#timer?.cancel();
    const { clock, metadataMaxAgeMs } = this.settings;
    const delayMs = isWaiting ? Math.min(MISSING_RETRY_MS, metadataMaxAgeMs) : metadataMaxAgeMs;
    // A consumer keeps its process alive until it is stopped, also while no connection does.
    this.#timer = clock.schedule(delayMs, () => void this.lookNow(), { keepAlive: true });
  }

  #compare(assigned: ReadonlyMap<string, number>, counts: ReadonlyMap<string, number>): void {
    const changes = [...assigned].filter(([topic, count]) => (counts.get(topic) ?? 0) !== count);
    const joined = this.listener.joinedTopics();
    const isSame = joined === undefined || joined.join() === this.selection.names.join();
    if (!isSame)
      this.listener.onChange(`${this.selection.text} matches ${this.selection.names.join(', ') || 'nothing'} now`);
    else if (changes.length > 0) this.listener.onChange(describe(changes, counts));
  }

  #warnOfMissing(counts: ReadonlyMap<string, number>): void {
    const { groupId, logger } = this.settings;
    const { selection } = this;
    const wanted = selection.isPattern
      ? []
      : selection.names.map((name) => [name, (counts.get(name) ?? 0) > 0] as const);
    if (selection.isPattern) wanted.push([selection.text, selection.names.length > 0]);
    for (const [topic, exists] of wanted) {
      if (exists) {
        if (this.#missing.delete(topic)) logger.log(`topic '${topic}' of group '${groupId}' exists now`);
      } else if (!this.#missing.has(topic)) {
        this.#missing.add(topic);
        logger.warn(
          selection.isPattern
            ? `no topic matches the ${selection.text} of group '${groupId}': waiting for one`
            : `topic '${topic}' of group '${groupId}' does not exist: waiting for it; create it or correct the name`,
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
