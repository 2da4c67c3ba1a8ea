import { type Clock, sleep } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { type TopicPartition } from '../../../common/topic-partition.js';
import { type AssignedPartition } from '../../client/consumer-client.js';
import { type ListenerConsumer } from '../listener-consumer.js';

// The application's own code in a rebalance: told in order, awaited, and never beyond the time that the group allows.

/** A partition that was assigned, and where reading begins. */
export interface PartitionPosition extends TopicPartition {
  readonly position: number;
  /** `committed`: the group's offset. `reset`: auto.offset.reset. `seek`: the listener's own initial offset. */
  readonly source: AssignedPartition['source'];
}

/**
 * Told about the partitions of a listener. A listener's own class may have these methods (they are found by name, as
 * Nest's hooks are), and so may any provider that `rebalanceListener` names.
 */
export interface KafkaRebalanceListener {
  /**
   * New partitions, before their first record is read: `consumer.seek` here decides where. What it throws fails the
   * container: without it reading might begin at the wrong place.
   */
  onPartitionsAssigned?(partitions: readonly PartitionPosition[], consumer: ListenerConsumer): unknown;
  /**
   * Whether `onPartitionsAssigned` is called again, every second, while it fails with an error that passes
   * (`retriable`): nothing of the partitions is read until it succeeds. Default false.
   */
  readonly isPatient?: boolean;
  /** Partitions go; their handlers have ended, their last commit follows. */
  onPartitionsRevokedBeforeCommit?(partitions: readonly TopicPartition[], consumer: ListenerConsumer): unknown;
  /** Partitions go; what was finished is committed. */
  onPartitionsRevokedAfterCommit?(partitions: readonly TopicPartition[], consumer: ListenerConsumer): unknown;
  /** Partitions are gone already, perhaps read elsewhere by now: nothing of them can be committed. */
  onPartitionsLost?(partitions: readonly TopicPartition[], consumer: ListenerConsumer): unknown;
}

/** Names of the methods above. */
export const REBALANCE_CALLBACKS = [
  'onPartitionsAssigned',
  'onPartitionsRevokedBeforeCommit',
  'onPartitionsRevokedAfterCommit',
  'onPartitionsLost',
] as const;

const AGAIN_MS = 1_000;

type Departure = Exclude<(typeof REBALANCE_CALLBACKS)[number], 'onPartitionsAssigned'>;

export interface RebalanceCallbacksOptions {
  readonly listener: string;
  readonly listeners: readonly KafkaRebalanceListener[];
  readonly consumer: ListenerConsumer;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class RebalanceCallbacks {
  readonly #options: RebalanceCallbacksOptions;
  readonly #ending = new AbortController();

  constructor(options: RebalanceCallbacksOptions) {
    this.#options = options;
  }

  /** Rejects with what a listener throws. */
  async assigned(partitions: readonly AssignedPartition[]): Promise<void> {
    if (partitions.length === 0) return;
    const { listeners } = this.#options;
    const positions = partitions.map(({ topic, partition, position, source }) => {
      return { topic, partition, position, source };
    });
    for (const listener of listeners) await this.#assigned(listener, positions);
  }

  /** The consumer is about to leave: nobody waits for what fails again and again. */
  end(): void {
    this.#ending.abort();
  }

  async #assigned(listener: KafkaRebalanceListener, positions: readonly PartitionPosition[]): Promise<void> {
    const { consumer, clock, logger, listener: id } = this.#options;
    const { signal } = this.#ending;
    for (let failures = 1; !signal.aborted || failures === 1; failures++) {
      try {
        await listener.onPartitionsAssigned?.(positions, consumer);
        return;
      } catch (error) {
        if (listener.isPatient !== true || (error as { retriable?: unknown }).retriable !== true) throw error;
        const what = `listener '${id}': what it has to know of its partitions cannot be read: ${messageOf(error)}`;
        if (failures === 1) logger.warn(`${what}; none of their records is handled until it can`, error);
        await sleep(clock, AGAIN_MS, signal);
      }
    }
  }

  /** Ends at the deadline, whatever still runs. What a listener throws is logged: the partitions go all the same. */
  async departing(what: Departure, partitions: readonly TopicPartition[], deadline?: AbortSignal): Promise<void> {
    if (partitions.length === 0) return;
    const { listeners, consumer, logger, listener: id } = this.#options;
    for (const listener of listeners) {
      if (listener[what] === undefined) continue;
      try {
        const isLate = await before(deadline, Promise.resolve(listener[what](partitions, consumer)));
        if (isLate)
          logger.warn(`listener '${id}': ${what} still ran at the deadline of the rebalance; it is left behind`);
      } catch (error) {
        logger.error(`listener '${id}': ${what} threw: ${messageOf(error)}`, error);
      }
    }
  }
}

/** Whether the deadline came first. */
async function before(deadline: AbortSignal | undefined, call: Promise<unknown>): Promise<boolean> {
  if (!deadline) {
    await call;
    return false;
  }
  let end: () => void = () => undefined;
  const passed = new Promise<true>((resolve) => {
    end = () => resolve(true);
    if (deadline.aborted) end();
    deadline.addEventListener('abort', end, { once: true });
  });
  try {
    return (await Promise.race([call.then(() => false as const), passed])) === true;
  } finally {
    deadline.removeEventListener('abort', end);
    call.catch(() => undefined);
  }
}
