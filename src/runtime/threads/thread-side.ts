import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type ToCallThread } from './call-messages.js';
import { CallServer } from './call-server.js';
import { type ToConsumerThread } from './consumer-messages.js';
import { ConsumerServer } from './consumer-server.js';
import { toPlainError } from './plain-error.js';
import { ThreadBoard } from './thread-board.js';
import {
  type FromThread,
  type LogLevel,
  type ThreadData,
  type ThreadModule,
  type ToThread,
} from './thread-messages.js';
import { ThreadProducers } from './thread-producers.js';
import { enterThread, type ThreadListener, type ThreadState } from './thread-state.js';

// The life of a thread, from inside: open the module, say so, serve, close.

/** Opens the application's module; gives the listener, and what closes it. */
export type OpenModule = (
  module: ThreadModule,
  state: ThreadState,
) => Promise<{ readonly app: { close(): Promise<void> }; readonly listener: ThreadListener }>;

export function startThread(open: OpenModule): void {
  const port = parentPort!;
  const data = workerData as ThreadData;
  const post = (message: FromThread, transfer: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, transfer);
  const logger = loggerOver(post);
  const state: ThreadState = {
    listener: data.listener,
    connections: data.connections,
    logger,
    producers: new ThreadProducers(post, systemClock),
    found: undefined,
    problems: [],
  };
  enterThread(state);
  let serve: ((message: ToThread) => void) | undefined;
  // From the first moment: what providers send while the module opens is answered.
  port.on('message', (message: ToThread) => {
    if (message.type === 'sent' || message.type === 'producer answers') state.producers.hear(message);
    else serve?.(message);
  });
  open(data.module, state).then(
    ({ app, listener }) => {
      const work = serverOf(data, listener, post, logger);
      serve = (message) => {
        if (message.type === 'close') void close(app);
        else work(message);
      };
      post({ type: 'ready' });
    },
    (error: unknown) => {
      post({ type: 'failed', error: toPlainError(error) });
      port.close();
    },
  );

  async function close(app: { close(): Promise<void> }): Promise<void> {
    try {
      await app.close();
    } catch (error) {
      logger.error(`closing the module failed: ${messageOf(error)}`, error);
    }
    // What the module left open must not keep the thread.
    process.exit(0);
  }
}

/** What the thread is for. */
function serverOf(
  { duty, index, board }: ThreadData,
  { endpoint, settings, createConsumer }: ThreadListener,
  post: (message: FromThread) => void,
  logger: Logger,
): (message: ToThread) => void {
  if (duty === 'consumer') {
    const clock = systemClock;
    const server = new ConsumerServer({ index, endpoint, settings, createConsumer, clock, logger, post });
    return (message) => server.receive(message as ToConsumerThread);
  }
  const isManual = endpoint.ackMode === 'MANUAL' || endpoint.ackMode === 'MANUAL_IMMEDIATE';
  const server = new CallServer({ handler: endpoint.handler, isManual, board: new ThreadBoard(board), post });
  return (message) => server.receive(message as ToCallThread);
}

/** Lines go to the main thread, which knows where they belong. */
function loggerOver(post: (message: FromThread) => void): Logger {
  const say =
    (level: LogLevel) =>
    (message: string, error?: unknown): void =>
      post({ type: 'log', level, message, error: error instanceof Error ? toPlainError(error) : undefined });
  return { debug: say('debug'), log: say('log'), warn: say('warn'), error: say('error') };
}
