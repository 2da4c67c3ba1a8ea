import { type Clock } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import { partitionName, type TopicPartition, TopicPartitionMap } from '../../../common/topic-partition.js';
import { WorkPace } from '../cleaner/work-pace.js';
import { type SharedContext } from '../log-context.js';
import { type PartitionLog } from '../partition-log.js';
import { type LogDirectory } from './log-directory.js';
import { LogMove } from './log-move.js';

// The logs that are to lie in another directory (AlterReplicaLogDirs): one is copied at a time, in small slices.

export interface LogMovesOptions {
  readonly context: SharedContext;
  /** The copy is in its place: it is served from now on, in this turn, and the old one goes. */
  readonly replace: (source: PartitionLog, target: LogDirectory) => void;
}

/** What is to be seen of a copy while it is made. */
export interface FutureLog {
  readonly copiedBytes: number;
  readonly offsetLag: number;
}

export class LogMoves {
  readonly #options: LogMovesOptions;
  readonly #clock: Clock;
  readonly #moves = new TopicPartitionMap<LogMove>();
  readonly #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: LogMovesOptions) {
    this.#options = options;
    this.#clock = options.context.clock;
  }

  /** Begins; a move of the same log to elsewhere ends. One to where the log lies only ends what there was. */
  start(source: PartitionLog, target: LogDirectory): void {
    const { topic, partition } = source.topicPartition;
    const before = this.#moves.get(topic, partition);
    if (before?.target === target && !before.isOver) return;
    if (before) before.isCancelled = true;
    this.#moves.delete(topic, partition);
    if (source.home === target || this.#stopped.signal.aborted) return;
    const move = new LogMove(source, target, this.#options.context.random.bytes(16).toString('hex'));
    this.#moves.set(topic, partition, move);
    this.#running = this.#running.then(() => this.#run(move));
  }

  /** The copy of a partition that is being made in this directory. */
  futureIn(target: LogDirectory | undefined, { topic, partition }: TopicPartition): FutureLog | undefined {
    const move = this.#moves.get(topic, partition);
    return move && move.target === target && !move.isOver ? move : undefined;
  }

  /** Resolves when no file is touched any more. What was not finished goes on after the next start. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  /** Never rejects. */
  async #run(move: LogMove): Promise<void> {
    const { logger } = this.#options.context;
    const name = partitionName(move.topicPartition);
    try {
      const pace = new WorkPace(this.#clock, this.#stopped.signal, Number.POSITIVE_INFINITY);
      while (!(await this.#isMoved(move, pace)));
    } catch (error) {
      move.isCancelled = true;
      logger.error(`${name} could not be moved to ${move.target.path}: ${messageOf(error)}. It stays where it is`);
    }
    if (this.#stopped.signal.aborted && !move.isCancelled) return;
    const { topic, partition } = move.topicPartition;
    if (this.#moves.get(topic, partition) === move) this.#moves.delete(topic, partition);
    try {
      move.discard();
    } catch (error) {
      logger.warn(`what was copied of ${name} to ${move.target.path} could not be removed: ${messageOf(error)}`);
    }
  }

  /** True when there is nothing left to do for it. */
  async #isMoved(move: LogMove, pace: WorkPace): Promise<boolean> {
    if (this.#stopped.signal.aborted || move.isOver) return true;
    await move.copy(pace, this.#stopped.signal);
    if (this.#stopped.signal.aborted || move.isOver) return true;
    const { source, target } = move;
    if (!move.finish()) return false;
    this.#options.replace(source, target);
    this.#options.context.logger.log(`${partitionName(move.topicPartition)} lies in ${target.path} now`);
    return true;
  }
}
