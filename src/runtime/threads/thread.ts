import { Worker, type WorkerOptions } from 'node:worker_threads';
import { buildRoot } from '#here';
import { type Clock } from '../../common/clock.js';
import { NestdawError } from '../../common/errors.js';
import { deferred } from '../../common/lifecycle.js';
import { type Logger } from '../../common/logger.js';
import { fromPlainError } from './plain-error.js';
import { ProducerServer } from './producer-server.js';
import { type FindSharedProducer } from './shared-producer.js';
import { ThreadBoard } from './thread-board.js';
import { type FromThread, type ThreadData, type ToThread } from './thread-messages.js';

// One worker thread as the application sees it: started, spoken to, ended.

/** The port to a thread; the pool's tests put another in its place. */
export interface ThreadLink {
  readonly name: string;
  readonly board: ThreadBoard;
  post(message: ToThread, transfer?: readonly ArrayBuffer[]): void;
  /** Calls `listener` for everything that the thread says about its work. */
  onMessage(listener: (message: FromThread) => void): void;
  /** Resolves when the thread is gone, with the reason. */
  readonly ended: Promise<Error>;
  /** Lets it close its module; ends it when that takes longer than `graceMs`. */
  close(graceMs: number): Promise<void>;
  /** Ends it at once, whatever it does. */
  kill(): void;
}

export interface ThreadLimits {
  readonly maxOldGenerationSizeMb?: number;
  readonly maxYoungGenerationSizeMb?: number;
  readonly codeRangeSizeMb?: number;
  readonly stackSizeMb?: number;
}

export interface BootOptions {
  readonly limits: ThreadLimits | undefined;
  /** The application's, for threads that send by them. */
  readonly producers: FindSharedProducer;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Starts a thread and waits until its module is open. Rejects with the reason when it does not come that far. */
export async function bootThread(
  data: Omit<ThreadData, 'board'>,
  { limits, producers, clock, logger }: BootOptions,
): Promise<ThreadLink> {
  const board = new ThreadBoard();
  const options: WorkerOptions = {
    name: data.name,
    workerData: { ...data, board: board.memory } satisfies ThreadData,
    ...(limits === undefined ? {} : { resourceLimits: limits }),
  };
  const worker = new Worker(new URL('runtime/nest/threads/thread-main.js', buildRoot), options);
  const ready = deferred();
  const ended = deferred<Error>();
  let listener: ((message: FromThread) => void) | undefined;
  let crash: Error | undefined;
  const post = (message: ToThread, transfer: readonly ArrayBuffer[] = []): void =>
    worker.postMessage(message, transfer);
  const sends = new ProducerServer({ thread: data.name, find: producers, clock, post });
  worker.on('message', (message: FromThread) => {
    switch (message.type) {
      case 'ready':
        ready.resolve();
        break;
      case 'failed':
        ready.reject(fromPlainError(message.error));
        break;
      case 'log':
        say(logger, data.name, message);
        break;
      case 'send':
      case 'ask producer':
      case 'resume producer':
        sends.receive(message);
        break;
      default:
        listener?.(message);
    }
  });
  worker.on('error', (error) => {
    crash = error as Error;
  });
  worker.once('exit', (code) => {
    sends.leave();
    const how = code === 0 ? 'it ended by itself' : `it ended with code ${code}`;
    const reason = crash ?? new NestdawError('KAFKA_THREAD_DIED', how);
    ready.reject(reason);
    ended.resolve(reason);
  });
  const link: ThreadLink = {
    name: data.name,
    board,
    post,
    onMessage: (own) => {
      listener = own;
    },
    ended: ended.promise,
    async close(graceMs) {
      const timer = clock.schedule(graceMs, () => void worker.terminate(), { keepAlive: true });
      post({ type: 'close' });
      await ended.promise;
      timer.cancel();
    },
    kill: () => void worker.terminate(),
  };
  try {
    await ready.promise;
  } catch (error) {
    link.kill();
    await ended.promise;
    throw error;
  }
  return link;
}

function say(logger: Logger, name: string, { level, message, error }: Extract<FromThread, { type: 'log' }>): void {
  const line = `${name}: ${message}`;
  const context = error === undefined ? [] : [fromPlainError(error)];
  if (level === 'debug') logger.debug?.(line, ...context);
  else logger[level](line, ...context);
}
