import { type Clock } from '../../common/clock.js';
import { hasCode, messageOf, NestdawError } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type KafkaRecord } from '../../common/record.js';
import { type ThreadDescription } from '../listener/container-description.js';
import { type ContainerEvent } from '../listener/container-events.js';
import { type ExecutorSupervisor, type HandlerExecutor } from '../listener/handler-executor.js';
import { type BatchOutcome, DONE, type InvocationContext } from '../listener/listener-endpoint.js';
import { sentenceOf } from '../listener/log-text.js';
import { type PackedCall, packCalls, transferOf } from './call-codec.js';
import { type CallResult, type CallResults, type FromCallThread } from './call-messages.js';
import { CallScheduler, type Placement } from './call-scheduler.js';
import { toPlainError } from './plain-error.js';
import { fromPlainOutcome } from './plain-outcome.js';
import { PoolAcknowledgments } from './pool-acknowledgments.js';
import { type CallKeeper, NOWHERE, PoolCall } from './pool-call.js';
import { type ThreadLink } from './thread.js';
import { BOARD_SLOTS } from './thread-board.js';
import { ThreadCrew } from './thread-crew.js';
import { guiltyOf } from './thread-guilt.js';

// Runs the handlers of one listener in threads. What may run at the same time is decided by the containers'
// dispatchers; what is given here is shared out, run, and answered. A thread that dies takes one record with it at
// most: the one that killed it fails, the others run again elsewhere, in their order.

export interface ThreadPoolOptions {
  readonly listener: string;
  readonly threads: number;
  /** Starts the thread of that number. */
  readonly boot: (index: number) => Promise<ThreadLink>;
  /** How long a handler has, after its signal fired for being too slow, before its thread is killed, ms. */
  readonly killAfterMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ThreadPool implements HandlerExecutor, CallKeeper {
  readonly #options: ThreadPoolOptions;
  readonly #crew: ThreadCrew;
  readonly #scheduler = new CallScheduler<PoolCall>();
  readonly #acknowledgments = new PoolAcknowledgments();
  readonly #outbox = new Map<number, PackedCall[]>();
  #isFlushScheduled = false;
  #lastId = 0;
  /** Of the containers that use it right now. */
  readonly #supervisors = new Set<ExecutorSupervisor>();
  #own: ExecutorSupervisor | undefined;
  #failure: unknown;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
    this.#crew = new ThreadCrew({
      listener: options.listener,
      count: options.threads,
      boot: options.boot,
      clock: options.clock,
      logger: options.logger,
      joined: (index, link) => this.#joined(index, link),
      left: (index, link, reason) => this.#left(index, link, reason),
      failed: (cause) => this.#failed(cause),
    });
  }

  prepare(): Promise<void> {
    return this.#crew.start();
  }

  async start(supervisor: ExecutorSupervisor): Promise<void> {
    this.#own = supervisor;
    await this.#join(supervisor);
  }

  async stop(): Promise<void> {
    await this.#leave(this.#own);
    this.#own = undefined;
  }

  describe(): ThreadDescription[] {
    return [...this.#crew.links()].map(([index, { name, board }]) => {
      const inside = board.blockedBy;
      const busyMs = inside === undefined ? undefined : board.runningFor(inside);
      return { name, calls: this.#scheduler.sizeOf(index), busyMs, deaths: this.#crew.deathsAt(index) };
    });
  }

  share(): HandlerExecutor {
    let own: ExecutorSupervisor | undefined;
    return {
      prepare: () => this.prepare(),
      describe: () => this.describe(),
      start: async (supervisor) => {
        own = supervisor;
        await this.#join(supervisor);
      },
      stop: async () => {
        await this.#leave(own);
        own = undefined;
      },
    };
  }

  async #join(supervisor: ExecutorSupervisor): Promise<void> {
    this.#supervisors.add(supervisor);
    this.#failure = undefined;
    await this.#crew.start();
  }

  /** The last one ends the threads. */
  async #leave(supervisor: ExecutorSupervisor | undefined): Promise<void> {
    if (supervisor) this.#supervisors.delete(supervisor);
    if (this.#supervisors.size > 0) return;
    const reason = new NestdawError('KAFKA_STOPPED', 'the container stops; the record will be delivered again');
    this.#settleAll(reason);
    await this.#crew.stop();
    for (let index = 0; index < this.#options.threads; index++) this.#scheduler.remove(index);
    this.#acknowledgments.clear();
  }

  /** Runs the handler for a record, or for the records of a batch. Never rejects. */
  invoke(records: readonly KafkaRecord[], context: InvocationContext): Promise<BatchOutcome> {
    if (this.#failure !== undefined) return Promise.resolve({ status: 'failed', error: this.#failure });
    const call = new PoolCall(++this.#lastId, records, context, this);
    context.remote = call;
    this.#scheduler.submit(call);
    this.#place();
    return call.outcome;
  }

  runningFor({ thread, slot }: PoolCall): number | undefined {
    return thread === NOWHERE ? undefined : this.#crew.link(thread)?.board.runningFor(slot);
  }

  abort(call: PoolCall, reason: unknown): void {
    const link = this.#crew.link(call.thread);
    if (this.#takeBack(call)) {
      this.#acknowledgments.close(call.id);
      call.settle({ status: 'failed', error: reason });
      return;
    }
    if (link === undefined) return; // its thread has just died
    link.post({ type: 'abort', id: call.id, reason: toPlainError(reason) });
    if (!hasCode(reason, 'KAFKA_HANDLER_TIMEOUT')) return;
    const { clock, killAfterMs, logger, listener } = this.#options;
    call.overdue = { reason };
    clock.schedule(killAfterMs, () => {
      if (call.isOver || this.#crew.link(call.thread) !== link) return;
      logger.error(
        `listener '${listener}': ${link.name} did not let go of ${nameOf(call)} within ${killAfterMs} ms after its ` +
          'signal had fired: the thread is killed.',
      );
      link.kill();
    });
  }

  /** A call that has not begun begins no more; false when it has. */
  #takeBack(call: PoolCall): boolean {
    const { thread, slot } = call;
    if (thread === NOWHERE) return this.#scheduler.forget(call);
    if (!this.#crew.link(thread)?.board.withdraw(slot)) return false;
    this.#scheduler.takeBack(thread, slot);
    return true;
  }

  #place(): void {
    for (let placed = this.#scheduler.next(); placed !== undefined; placed = this.#scheduler.next()) this.#send(placed);
  }

  #send({ thread, slot, call }: Placement<PoolCall>): void {
    call.thread = thread;
    call.slot = slot;
    this.#acknowledgments.open(call);
    this.#crew.link(thread)!.board.handOver(slot);
    let box = this.#outbox.get(thread);
    if (box === undefined) {
      box = [];
      this.#outbox.set(thread, box);
    }
    box.push({ slot, id: call.id, attempt: call.context.attempt, records: call.records });
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    // Everything that starts in one turn goes in one message.
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushScheduled = false;
    for (const [thread, calls] of this.#outbox) {
      if (calls.length === 0) continue;
      const pack = packCalls(calls);
      this.#crew.link(thread)?.post({ type: 'calls', pack }, transferOf(pack));
    }
    this.#outbox.clear();
  }

  #joined(index: number, link: ThreadLink): void {
    this.#scheduler.add(index, BOARD_SLOTS);
    link.onMessage((message) => this.#hear(index, link, message as FromCallThread));
    this.#emit({ type: 'thread-started', thread: link.name });
    this.#place();
  }

  #hear(thread: number, link: ThreadLink, message: FromCallThread): void {
    if (this.#crew.link(thread) !== link) return;
    switch (message.type) {
      case 'results':
        this.#results(thread, message);
        break;
      case 'acknowledge':
        void this.#acknowledge(link, message);
        break;
      case 'forgotten':
        for (const id of message.ids) this.#acknowledgments.close(id);
    }
  }

  #results(thread: number, { begun, callMs, done, others, passed }: CallResults): void {
    this.#scheduler.begun(thread, begun, callMs);
    if (done.length + others.length > 0) this.#crew.progressed();
    for (const slot of done) {
      const call = this.#scheduler.finish(thread, slot);
      if (call === undefined) continue;
      this.#acknowledgments.returned(call.id, false);
      call.settle(DONE);
    }
    for (const slot of passed) this.#scheduler.release(thread, slot);
    for (const result of others) this.#result(thread, result);
    this.#place();
    this.#share();
  }

  #result(thread: number, { slot, outcome, nack, keepsAcknowledgment }: CallResult): void {
    const call = this.#scheduler.finish(thread, slot);
    if (call === undefined) return;
    let settled = fromPlainOutcome(outcome);
    if (nack) {
      try {
        const ack = this.#acknowledgments.of(call.id);
        if (nack.index === undefined) ack?.nack(nack.sleepMs);
        else ack?.nack(nack.index, nack.sleepMs);
      } catch (error) {
        settled = { status: 'failed', error };
      }
    }
    this.#acknowledgments.returned(call.id, keepsAcknowledgment && nack === undefined);
    call.settle(settled);
  }

  async #acknowledge(link: ThreadLink, { id, index, request }: Extract<FromCallThread, { type: 'acknowledge' }>) {
    const acknowledgment = this.#acknowledgments.of(id);
    if (index === undefined) this.#acknowledgments.close(id);
    try {
      await acknowledgment?.acknowledge(index);
      link.post({ type: 'acknowledged', request, error: undefined });
    } catch (error) {
      link.post({ type: 'acknowledged', request, error: toPlainError(error) });
    }
  }

  /** A thread has nothing to do while calls wait inside another one: those that it has not begun move over. */
  #share(): void {
    const uneven = this.#scheduler.imbalance();
    if (uneven === undefined) return;
    const board = this.#crew.link(uneven.busy)?.board;
    const slot = uneven.slots.find((each) => board?.withdraw(each));
    if (slot === undefined) return;
    const call = this.#scheduler.takeBack(uneven.busy, slot)!;
    call.thread = NOWHERE;
    this.#scheduler.putBack([call]);
    this.#place();
  }

  #left(index: number, link: ThreadLink, reason: Error): void {
    const { logger, listener } = this.#options;
    this.#outbox.delete(index);
    const had = this.#scheduler.remove(index);
    const guilty = guiltyOf(had, link.board);
    const back = had.flatMap(({ call }) => (guilty.has(call) ? [] : [call]));
    const names = [...guilty].map(nameOf).join(', ') || 'no record';
    logger.error(
      `listener '${listener}': ${link.name} died: ${sentenceOf(reason)} ${names} counts as failed, ${back.length} ` +
        'other record(s) run again, and a new thread takes its place.',
      reason,
    );
    for (const call of back) call.thread = NOWHERE;
    this.#scheduler.putBack(back);
    for (const call of guilty) {
      call.settle({ status: 'failed', error: call.overdue ? call.overdue.reason : diedWith(call, link, reason) });
    }
    const requeued = back.length;
    this.#emit({ type: 'thread-died', thread: link.name, error: reason, failed: guilty.size, requeued });
    for (const { consumer, at, offset } of this.#acknowledgments.lost(index)) {
      consumer.seek(offset, at).catch((error: unknown) => {
        logger.warn(
          `listener '${listener}': ${at.topic}-${at.partition} is not read again: ${messageOf(error)}`,
          error,
        );
      });
    }
    this.#place();
  }

  #failed(cause: unknown): void {
    this.#failure = cause;
    this.#settleAll(cause);
    for (const supervisor of this.#supervisors) supervisor.fail(cause);
  }

  #emit(event: ContainerEvent): void {
    for (const supervisor of this.#supervisors) supervisor.emit(event);
  }

  #settleAll(error: unknown): void {
    const placed = Array.from({ length: this.#options.threads }, (_, index) => this.#scheduler.remove(index)).flat();
    for (const { call } of placed) call.settle({ status: 'failed', error });
    for (const call of this.#scheduler.clear()) call.settle({ status: 'failed', error });
  }
}

function nameOf({ records }: PoolCall): string {
  const { topic, partition, offset } = records[0]!;
  const more = records.length > 1 ? ` and ${records.length - 1} more` : '';
  return `${topic}-${partition} offset ${offset}${more}`;
}

function diedWith(call: PoolCall, { name }: ThreadLink, cause: Error): NestdawError {
  const message = `${name} died while it ran ${nameOf(call)}: ${messageOf(cause)}`;
  return new NestdawError('KAFKA_THREAD_DIED', message, { cause, retriable: true });
}
