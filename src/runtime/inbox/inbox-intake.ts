import { type Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { Wakeup } from '../../common/wakeup.js';
import { type AssignedPartition, type ConsumerClient, type PartitionRecords } from '../client/consumer-client.js';
import { type InboxJournal } from './inbox-journal.js';
import { type InboxPartition } from './inbox-partition.js';

// From Kafka into the inbox: records become durable here, then their offsets are committed there.

export interface InboxIntakeOptions {
  readonly source: ConsumerClient;
  readonly journal: InboxJournal;
  readonly maxRecords: number;
  readonly maxPollRecords: number;
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Partitions that hold records, or will; awaited. */
  readonly onPartitions: (partitions: readonly InboxPartition[]) => Promise<void>;
  readonly onRecords: () => void;
  /** The source has failed for good: nothing comes in any more. */
  readonly onFailed: (error: unknown) => void;
}

const LONG_POLL_MS = 5_000;
const FULL_CHECK_MS = 1_000;

export class InboxIntake {
  readonly #options: InboxIntakeOptions;
  readonly #stopping = new AbortController();
  readonly #room = new Wakeup();
  #running: Promise<void> | undefined;
  /** Records on their way into the inbox, and the commit behind them. */
  #round: Promise<void> = Promise.resolve();

  constructor(options: InboxIntakeOptions) {
    this.#options = options;
  }

  /** Resolves after the group's first assignment. What waits in the inbox is handed out before it. */
  async start(): Promise<void> {
    const { source, journal, onPartitions } = this.#options;
    const waiting = journal.partitions().filter(({ count }) => count > 0);
    if (waiting.length > 0) await onPartitions(waiting);
    await source.start({
      onAssigned: (added) => this.#assigned(added),
      // What was taken in is committed before somebody else reads on from there.
      onRevoked: () => this.#round,
      onLost: () => undefined,
    });
    this.#running = this.#run();
  }

  /** Records have left the inbox. */
  roomMade(): void {
    if (this.#options.journal.count < this.#options.maxRecords) this.#room.wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#options.source.stop();
  }

  async #assigned(added: readonly AssignedPartition[]): Promise<void> {
    const { journal, logger, name, onPartitions } = this.#options;
    const own: InboxPartition[] = [];
    for (const { topic, partition: number, position } of added) {
      const partition = journal.partition({ topic, partition: number }, position);
      own.push(partition);
      if (partition.taken !== undefined && position < partition.taken) {
        logger.warn(`${name}: the group was moved back to offset ${position} of ${topic}-${number}, it is read again`);
        await this.#surely(() => journal.drop(partition, position));
      }
      // Others handled what lies between.
      else partition.passTo(position);
    }
    await onPartitions(own);
  }

  async #run(): Promise<void> {
    const { source, maxPollRecords, journal, maxRecords, clock, onFailed } = this.#options;
    const { signal } = this.#stopping;
    try {
      while (!signal.aborted) {
        if (journal.count >= maxRecords) {
          await this.#room.wait(clock, FULL_CHECK_MS, signal);
          continue;
        }
        const polled = await source.poll({ maxRecords: maxPollRecords, maxWaitMs: LONG_POLL_MS, signal });
        if (polled.length === 0) continue;
        this.#round = this.#surely(() => this.#take(polled));
        await this.#round;
      }
    } catch (error) {
      if (!signal.aborted) onFailed(error);
    }
  }

  /** A disk that is full holds the intake up, until there is room again. Never rejects. */
  async #surely(write: () => Promise<void>): Promise<void> {
    const { logger, name, clock } = this.#options;
    while (!this.#stopping.signal.aborted) {
      try {
        await write();
        return;
      } catch (error) {
        logger.error(`${name}: the inbox cannot be written: ${messageOf(error)}; tried again in a second`, error);
        await this.#room.wait(clock, FULL_CHECK_MS, this.#stopping.signal);
      }
    }
  }

  async #take(polled: readonly PartitionRecords[]): Promise<void> {
    const { journal, source, logger, name, onRecords } = this.#options;
    for (const { topic, partition, records, nextOffset } of polled) {
      await journal.take(
        journal.partition({ topic, partition }, records[0]?.offset ?? nextOffset),
        records,
        nextOffset,
      );
    }
    onRecords();
    try {
      await source.commit(polled.map(({ topic, partition, nextOffset }) => ({ topic, partition, offset: nextOffset })));
    } catch (error) {
      // They are here; Kafka will offer them again, here (where they are known) or to another member.
      logger.warn(`${name}: taken into the inbox, but not committed: ${messageOf(error)}`);
      return;
    }
    for (const { topic, partition, nextOffset } of polled) {
      await journal.taken(journal.get(topic, partition)!, nextOffset);
    }
  }
}
