import { sleep } from '../../../common/clock.js';
import { hasCode, messageOf } from '../../../common/errors.js';
import { phasesOf } from '../../listener/container-registry.js';
import { type ListenerContainer } from '../../listener/listener-container.js';
import { type KafkaConnection } from '../connection/kafka-connection.js';
import { type RuntimeTools } from '../runtime-tools.js';

// How listeners start: their topics first, then phase by phase; and how long the application's start waits for them.

/** How soon topics are tried again that a cluster which is away could not be asked for. */
const TOPICS_AGAIN_MS = 2_000;

export interface ListenerStartOptions {
  readonly connections: ReadonlyMap<string, KafkaConnection>;
  readonly tools: RuntimeTools;
  readonly makeTopics: (containers: readonly ListenerContainer[]) => Promise<void>;
  /** Whether the application ends already. */
  readonly isEnding: () => boolean;
  /** Ends what belongs to Kafka: the application lacks what it cannot be without. */
  readonly giveUp: () => Promise<void>;
}

/** One start of some listeners. */
export class ListenerStart {
  readonly #options: ListenerStartOptions;
  /** Ids of those that have not started yet, nor failed to. */
  readonly #waiting = new Set<string>();

  constructor(options: ListenerStartOptions) {
    this.#options = options;
  }

  /** Starts those that say `autoStartup`; waits for a while until each has its partitions. */
  async run(containers: readonly ListenerContainer[]): Promise<void> {
    const { connections, tools, isEnding } = this.#options;
    const wanted = containers.filter(({ endpoint }) => endpoint.autoStartup);
    const made = this.#makeTopics(containers);
    const patience = Math.max(
      0,
      ...[...connections.values()].map(({ properties }) => properties.get('listener.startup-timeout')),
    );
    const enough = new AbortController();
    try {
      const limit = sleep(tools.clock, patience, enough.signal);
      await Promise.race([made, limit]);
      await this.#requireTopics(wanted);
      const starting = this.#startInPhases(wanted, made);
      const inTime = patience > 0 && (await Promise.race([starting.then(() => true), limit.then(() => false)]));
      if (!inTime) void starting.catch((error: unknown) => this.#endFor(error));
      if (patience === 0) return;
    } finally {
      enough.abort();
    }
    if (this.#waiting.size > 0 && !isEnding()) {
      tools.logger.warn(
        `${[...this.#waiting].join(', ')}: no partitions after ${patience} ms (kafka.listener.startup-timeout); ` +
          'the application starts, and they go on trying',
      );
    }
  }

  /** Those of one phase together, those of the next when they have started, or failed to. */
  async #startInPhases(containers: readonly ListenerContainer[], made: Promise<void>): Promise<void> {
    for (const { id } of containers) this.#waiting.add(id);
    for (const phase of phasesOf(containers)) {
      await Promise.all(phase.map((container) => this.#start(container, made)));
      if (this.#options.isEnding()) return;
    }
  }

  async #start(container: ListenerContainer, ready: Promise<void>): Promise<void> {
    const { tools, isEnding } = this.#options;
    try {
      await ready;
      if (isEnding()) return;
      await container.start();
    } catch (error) {
      if (!isEnding()) {
        tools.logger.error(`listener ${container.id} did not start: ${messageOf(error)}`, error);
        if (this.#stopsFor(container)) throw error;
      }
    } finally {
      this.#waiting.delete(container.id);
    }
  }

  /**
   * Nobody waits for the start any more who could be told. An uncaught error ends the process as an unhandled start
   * would have: with exit code 1, unless the application says otherwise.
   */
  async #endFor(error: unknown): Promise<void> {
    this.#options.tools.logger.error('the application ends for that (kafka.listener.start-failure=stop)');
    await this.#options.giveUp();
    queueMicrotask(() => {
      throw error;
    });
  }

  #stopsFor({ endpoint }: ListenerContainer): boolean {
    return this.#options.connections.get(endpoint.connection)?.properties.get('listener.start-failure') === 'stop';
  }

  /** Goes on trying while the cluster is away; what it refuses is said, and is for somebody to make by hand. */
  async #makeTopics(containers: readonly ListenerContainer[]): Promise<void> {
    const { makeTopics, tools, isEnding } = this.#options;
    const { logger, clock } = tools;
    for (let tries = 1; !isEnding(); tries++) {
      try {
        await makeTopics(containers);
        return;
      } catch (error) {
        const why = messageOf(error);
        const isAway = hasCode(error, 'KAFKA_CONNECTION_FAILED') || hasCode(error, 'KAFKA_REQUEST_TIMEOUT');
        if (!isAway) {
          logger.error(`topics that listeners need could not be made: ${why}; make them by hand`, error);
          return;
        }
        if (tries === 1) logger.warn(`topics that listeners need are not made yet: ${why}; it goes on trying`);
      }
      await sleep(clock, TOPICS_AGAIN_MS);
    }
  }

  async #requireTopics(containers: readonly ListenerContainer[]): Promise<void> {
    try {
      for (const connection of this.#options.connections.values()) {
        const own = containers.filter(({ endpoint }) => endpoint.connection === connection.name);
        await connection.topicCheck?.all(own.map(({ endpoint }) => endpoint));
      }
    } catch (error) {
      await this.#options.giveUp();
      throw error;
    }
  }
}
