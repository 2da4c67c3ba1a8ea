import { type Clock, type Timer } from '../../src/common/clock.js';
import { hasCode } from '../../src/common/errors.js';
import { type Logger, silentLogger } from '../../src/common/logger.js';
import { type Random, seededRandom } from '../../src/common/random.js';
import { type KafkaRecord } from '../../src/common/record.js';
import { InMemoryCluster } from '../../src/runtime/client/cluster/in-memory-cluster.js';
import { GroupConsumer } from '../../src/runtime/client/consumer/group-consumer.js';
import { type ContainerEvent } from '../../src/runtime/listener/container-events.js';
import { type FailureDecision } from '../../src/runtime/listener/failures/error-handler.js';
import { type Failure } from '../../src/runtime/listener/failures/failure.js';
import { type Recoverer } from '../../src/runtime/listener/failures/recoverer.js';
import { ListenerContainer } from '../../src/runtime/listener/listener-container.js';
import {
  type BatchOutcome,
  DONE,
  type InvocationContext,
  type Outcome,
} from '../../src/runtime/listener/listener-endpoint.js';
import { mortal, type SimulatedBroker } from '../coordinators/simulated-broker.js';
import { handingOverLate } from './late-hand-over.js';
import { type Ledger, type Run, SESSION_MS, type Tenure } from './ledger.js';
import { type Setup } from './setup.js';

// A process with one listener, as an application has it: container, consumers, client. Its handlers are quick, slow,
// hung, failing. It can die at any moment, and its network can be cut.

export const TOPIC = 'simulated';
export const GROUP = 'simulation';

export interface ProcessOptions {
  readonly name: string;
  readonly instanceId: string | undefined;
  readonly setup: Setup;
  readonly seed: number;
}

/** How much goes wrong at the moment, the same for all processes. */
export interface TroubleShare {
  /** Of the calls of a handler. */
  share: number;
}

const FAILED = (error: unknown): Outcome => ({ status: 'failed', error });

/** A handler's own failure, whose signal may have fired. */
class Trouble extends Error {
  constructor(readonly signal: AbortSignal) {
    super('trouble');
  }
}

/** Told to end because of a rebalance or a stop: no failure of the record, whatever its handler made of it. */
function wasInterrupted(error: unknown): boolean {
  const cause: unknown = error instanceof Trouble ? error.signal.reason : error;
  return hasCode(cause, 'KAFKA_REBALANCED') || hasCode(cause, 'KAFKA_STOPPED');
}

export class SimulatedProcess {
  readonly container: ListenerContainer;
  readonly clock: CountingClock;
  /** Time of the handlers, which may outlive their container. */
  readonly #world: Clock;
  readonly #alive = new AbortController();
  readonly #random: Random;
  /** By consumer and partition: one that was put out of the group, and does not know it yet, goes on beside another. */
  readonly #tenures = new Map<string, Tenure>();
  readonly #generations = new Map<number, number>();
  #starts = 0;
  /** Its requests are lost. */
  isCut = false;
  /** A handler hangs and does not listen to its signal: only the end of the process helps. */
  hasHung = false;

  constructor(
    readonly options: ProcessOptions,
    clock: Clock,
    readonly ledger: Ledger,
    broker: SimulatedBroker,
    readonly trouble: TroubleShare,
  ) {
    const { name, setup, seed } = options;
    this.#random = seededRandom(seed);
    const { signal } = this.#alive;
    this.#world = mortal(clock, signal);
    this.clock = new CountingClock(this.#world);
    const exchange = broker.exchangeFor(signal, () => this.isCut);
    const handler = setup.batch
      ? { kind: 'batch' as const, invoke: this.#handleBatch.bind(this) }
      : { kind: 'record' as const, invoke: this.#handle.bind(this) };
    this.container = new ListenerContainer({
      endpoint: {
        id: name,
        connection: 'default',
        topics: [TOPIC],
        groupId: GROUP,
        autoStartup: true,
        ackCount: 5,
        ackTimeMs: 700,
        handler,
        ...setup,
      },
      createConsumer: (index) => {
        const client = new GroupConsumer({
          groupId: GROUP,
          topics: [TOPIC],
          createCluster: () =>
            new InMemoryCluster({
              exchange,
              clock: this.clock,
              requestTimeoutMs: 4000,
              clientId: this.#clientId(index),
            }),
          autoOffsetReset: 'earliest',
          sessionTimeoutMs: SESSION_MS,
          heartbeatIntervalMs: 1000,
          maxPollIntervalMs: 20_000,
          requestTimeoutMs: 4000,
          defaultApiTimeoutMs: 5000,
          fetchMaxWaitMs: 400,
          partitionAssignmentStrategy: [setup.strategy],
          ...(options.instanceId !== undefined && { groupInstanceId: `${options.instanceId}-${index}` }),
          clock: this.clock,
          random: seededRandom(seed + 1 + index),
          logger: traceLogger(name),
        });
        return handingOverLate(client, () => this.#lateness(), this.#world);
      },
      clock: this.clock,
      logger: traceLogger(name),
      settings: {
        pollMaxRecords: 8,
        pollMaxWaitMs: 500,
        maxPollIntervalMs: 20_000,
        shutdownTimeoutMs: 5000,
        budgetRecords: 20,
        budgetUncommitted: 60,
        slowHandler: setup.slowHandler,
        errorHandler: (failure) => this.#decide(failure),
      },
    });
    this.container.onEvent((event) => this.#observe(event));
  }

  get isDead(): boolean {
    return this.#alive.signal.aborted;
  }

  /** Starts, or starts again after a failure. */
  start(): void {
    this.#starts++;
    this.container
      .start()
      .catch((error: unknown) => this.ledger.note(`${this.options.name} did not start: ${String(error)}`));
  }

  crash(): void {
    this.#alive.abort();
    this.ledger.gone(this.options.name);
  }

  #clientId(index: number): string {
    return `${this.options.name}-${index}`;
  }

  /** How long what a poll has taken is on its way to the container. */
  #lateness(): number {
    const isLate = this.#random.next() < this.trouble.share / 3;
    return isLate ? Math.floor(this.#random.next() * 40_000) : 0;
  }

  #observe(event: ContainerEvent): void {
    if (this.isDead) return;
    if (process.env.TRACE_SIMULATION && ['drained', 'lost', 'revoked', 'stopping', 'stopped'].includes(event.type)) {
      console.log(`${this.options.name} ${event.type}`);
    }
    if (event.type === 'client' && event.event.type === 'joined') {
      this.#generations.set(event.consumer, event.event.generationId);
    }
    if (event.type === 'assigned') {
      for (const { partition } of event.added) {
        this.ledger.note(`${this.options.name} begins ${partition}`);
        const tenure = this.ledger.tenure(this.#clientId(event.consumer), partition);
        this.#tenures.set(`${event.consumer} ${partition}`, tenure);
      }
    }
  }

  #decide({ record, error }: Failure): FailureDecision {
    if (wasInterrupted(error)) {
      const { name } = this.options;
      this.ledger.violate(`${name} takes ${record.partition}:${record.offset} for failed: it was told to end`);
    }
    const dice = this.#random.next();
    if (dice < 0.03) return { action: 'pause-partition' };
    if (dice < 0.05 && !this.options.setup.batch) {
      this.ledger.skipped(record);
      return { action: 'skip', policy: 'the simulation' };
    }
    if (dice < 0.055) return { action: 'stop-container' };
    if (dice < 0.1 && !this.options.setup.batch) return { action: 'recover', recoverer: this.#recoverer(record) };
    return { action: 'retry', delayMs: dice < 0.5 ? 0 : Math.floor(dice * 500) };
  }

  /** Takes the record somewhere else, as a publisher of dead letters does: after a while, and not always. */
  #recoverer(record: KafkaRecord): Recoverer {
    const failsAt = this.#random.next() < this.trouble.share;
    return {
      recover: () =>
        new Promise((resolve, reject) => {
          this.#world.schedule(Math.floor(this.#random.next() * 800), () => {
            if (failsAt) return reject(new Error('the dead-letter topic is away'));
            this.ledger.skipped(record);
            resolve(undefined);
          });
        }),
    };
  }

  #handle(record: KafkaRecord, context: InvocationContext): Outcome | Promise<Outcome> {
    return this.#run([record], context) as Outcome | Promise<Outcome>;
  }

  #handleBatch(records: readonly KafkaRecord[], context: InvocationContext): BatchOutcome | Promise<BatchOutcome> {
    return this.#run(records, context);
  }

  #run(records: readonly KafkaRecord[], context: InvocationContext): BatchOutcome | Promise<BatchOutcome> {
    if (this.isDead) return new Promise(() => undefined);
    const run = this.#begin(records, context);
    const { share } = this.trouble;
    const dice = this.#random.next();
    const work = () => this.#work(run, records, context);
    if (dice < 0.25) return work();
    return new Promise((resolve) => {
      const end = (outcome: () => BatchOutcome): void => {
        timer?.cancel();
        if (!this.isDead && run.isOpen) resolve(outcome());
      };
      let timer: Timer | undefined;
      if (dice < 0.4) queueMicrotask(() => end(work));
      else if (this.#random.next() < share / 60) this.hasHung = true;
      else timer = this.#world.schedule(this.#duration(share), () => end(work));
      if (this.#random.next() < 0.7 && !this.hasHung) {
        const give = () => end(() => this.#giveUp(run, records, context));
        context.signal.addEventListener('abort', give, { once: true });
      }
    });
  }

  #duration(share: number): number {
    const longest = this.#random.next() < share ? 60_000 : 200;
    return 1 + Math.floor(this.#random.next() ** 3 * longest);
  }

  #begin(records: readonly KafkaRecord[], context: InvocationContext): OpenRun {
    const [first] = records;
    const { index } = context.consumer!;
    const tenure = this.#tenures.get(`${index} ${first!.partition}`)!;
    const runs = records.map((record): Run => {
      return {
        process: this.options.name,
        clientId: this.#clientId(index),
        consumer: `${index} of start ${this.#starts}`,
        record,
        signal: context.signal,
        generation: () => this.#generations.get(index) ?? -1,
      };
    });
    // Of a batch the first record stands for the lane: the others are in the same.
    this.ledger.begin(runs[0]!, tenure);
    return { run: runs[0]!, tenure, isOpen: true };
  }

  #close(open: OpenRun): void {
    open.isOpen = false;
    this.ledger.end(open.run);
  }

  #giveUp(open: OpenRun, _records: readonly KafkaRecord[], context: InvocationContext): BatchOutcome {
    this.#close(open);
    return FAILED(context.signal.reason);
  }

  /** The work itself: effects, in order, up to the one that fails. */
  #work(open: OpenRun, records: readonly KafkaRecord[], context: InvocationContext): BatchOutcome {
    this.#close(open);
    const failsAt = records.findIndex(() => this.#random.next() < this.trouble.share);
    const done = failsAt < 0 ? records : records.slice(0, failsAt);
    for (const record of done) this.ledger.effect(this.options.name, record);
    // Of this attempt: the context goes over to the next one.
    const { acknowledgment, signal } = context;
    // A record that was told to end counts as failed, or belongs to somebody else: it may run again.
    const finish = (finished: readonly KafkaRecord[]) => {
      for (const record of finished) {
        this.ledger.finished(record);
        if (!signal.aborted) open.tenure.finished.add(record.offset);
      }
    };
    if (!acknowledgment) {
      finish(done);
      if (failsAt < 0) return DONE;
      const error = new Trouble(signal);
      return this.options.setup.batch ? { status: 'failed-at', index: failsAt, error } : FAILED(error);
    }
    if (failsAt >= 0) return FAILED(new Trouble(signal));
    if (this.#random.next() < this.trouble.share / 4) {
      acknowledgment.nack(Math.floor(this.#random.next() * 300));
      return DONE;
    }
    const acknowledge = () => {
      if (this.isDead) return;
      for (const record of records) this.ledger.finished(record);
      const isTimely = !signal.aborted;
      acknowledgment.acknowledge().then(
        () => {
          if (isTimely) for (const { offset } of records) open.tenure.finished.add(offset);
        },
        () => undefined,
      );
    };
    if (this.#random.next() < 0.5) acknowledge();
    else this.#world.schedule(Math.floor(this.#random.next() * 400), acknowledge);
    return DONE;
  }
}

/** Silent, unless somebody looks at one run. */
function traceLogger(name: string): Logger {
  if (!process.env.TRACE_SIMULATION) return silentLogger;
  const write = (text: string): void => console.log(`${name} says: ${text}`);
  return { log: write, warn: write, error: write };
}

interface OpenRun {
  readonly run: Run;
  readonly tenure: Tenure;
  isOpen: boolean;
}

/** Knows how many of its timers wait: a process that has stopped must have none. */
class CountingClock implements Clock {
  readonly #waiting = new Set<object>();

  constructor(readonly inner: Clock) {}

  get pending(): number {
    if (process.env.TRACE_SIMULATION) for (const mark of this.#waiting) console.log(mark);
    return this.#waiting.size;
  }

  now(): number {
    return this.inner.now();
  }

  monotonic(): number {
    return this.inner.monotonic();
  }

  schedule(delayMs: number, action: () => void): Timer {
    const mark = { delayMs, from: process.env.TRACE_SIMULATION && new Error('scheduled').stack };
    this.#waiting.add(mark);
    const timer = this.inner.schedule(delayMs, () => {
      this.#waiting.delete(mark);
      action();
    });
    return {
      cancel: () => {
        this.#waiting.delete(mark);
        timer.cancel();
      },
    };
  }
}
