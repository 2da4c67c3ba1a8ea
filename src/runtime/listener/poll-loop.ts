import { nextTurn, sleep } from '../../common/clock.js';
import { hasCode } from '../../common/errors.js';
import { type ConsumerClient, type PartitionRecords } from '../client/consumer-client.js';
import { type ConsumerParts, type ConsumerPartsOptions } from './consumer-parts.js';
import { sentenceOf } from './log-text.js';

// The loop of one consumer: polls, and hands over what came. The two models differ here only. With a pool it polls on
// while handlers run; without one there is a single worker, lanes are partitions, and the loop polls again when
// everything that can be handled is handled. Its commit is under way while the next poll is handled, and is waited for
// before the one after that: a consumer never gets further than that ahead of what is stored, and does not idle for a
// round trip after every poll.

const CORRUPT_PAUSE_MS = 1_000;

export class PollLoop {
  readonly #options: ConsumerPartsOptions;
  readonly #parts: ConsumerParts;

  constructor(options: ConsumerPartsOptions, parts: ConsumerParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Polls until the consumer is stopped. Never rejects: what ends it is fatal to the container. */
  async run(): Promise<void> {
    const { stopped, onFatal } = this.#options;
    const stop = (): void => this.#parts.owner.cutShort();
    stopped.addEventListener('abort', stop, { once: true });
    try {
      while (!stopped.aborted) await this.#pollOnce(stopped);
    } catch (error) {
      if (!stopped.aborted) onFatal(error);
    } finally {
      stopped.removeEventListener('abort', stop);
    }
  }

  async #pollOnce(signal: AbortSignal): Promise<void> {
    const { overflow, dispatcher, progress, runner, policy, committer, isPool, transactions } = this.#parts;
    await overflow.relieve();
    if (signal.aborted) return;
    const received = await this.#receive(signal);
    if (signal.aborted) return;
    if (!received) {
      if (dispatcher.isIdle) progress.idle();
      await new Promise<void>(nextTurn);
      return;
    }
    runner.wake();
    if (policy.isFirst) await committer.whenIdle();
    // A transaction covers what one poll brought, at most: what comes behind it waits.
    if (transactions) {
      await this.#handled();
      await committer.whenIdle();
    } else if (!isPool) {
      const before = committer.whenAnswered();
      await this.#handled();
      await before;
    }
  }

  /** One poll, taken over; false when it brought nothing. */
  async #receive(signal: AbortSignal): Promise<boolean> {
    const { settings } = this.#options;
    const { owner, idle, intake, interceptors, transactions } = this.#parts;
    const early = owner.enter();
    try {
      const polled = await this.#poll({
        maxRecords: transactions?.spans.mostRecords ?? settings.pollMaxRecords,
        maxWaitMs: settings.pollMaxWaitMs,
        signal: early,
      });
      // Records that come with the stop signal are not started, and are delivered again.
      if (signal.aborted || polled.length === 0) return false;
      idle.received(polled);
      intake.accept(interceptors?.onConsume(polled) ?? polled);
      return true;
    } finally {
      owner.leave();
    }
  }

  /** A batch that fails its checksum holds up its own partition, where reading is tried again; others go on. */
  async #poll(options: Parameters<ConsumerClient['poll']>[0] & { signal: AbortSignal }): Promise<PartitionRecords[]> {
    const { consumer, clock, logger, endpoint } = this.#options;
    try {
      return await consumer.poll(options);
    } catch (error) {
      if (!hasCode(error, 'KAFKA_RECORD_CORRUPT')) throw error;
      logger.error(`listener '${endpoint.id}': ${sentenceOf(error)} Its partition is read again from there.`, error);
      await sleep(clock, CORRUPT_PAUSE_MS, options.signal);
      return [];
    }
  }

  /** Everything of the poll is handled, or waits for a retry. */
  async #handled(): Promise<void> {
    const { runner, progress } = this.#parts;
    await runner.whenIdle();
    progress.pollHandled();
  }
}
