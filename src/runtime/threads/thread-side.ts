import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type ListenerEndpoint } from '../listener/listener-endpoint.js';
import { CallServer } from './call-server.js';
import { toPlainError } from './plain-error.js';
import { ThreadBoard } from './thread-board.js';
import {
  type FromThread,
  type LogLevel,
  type ThreadData,
  type ThreadModule,
  type ToThread,
} from './thread-messages.js';
import { enterThread, type ThreadState } from './thread-state.js';

// The life of a thread, from inside: open the module, say so, serve, close.

/** Opens the application's module; gives the listener, and what closes it. */
export type OpenModule = (
  module: ThreadModule,
  state: ThreadState,
) => Promise<{ readonly app: { close(): Promise<void> }; readonly endpoint: ListenerEndpoint }>;

export function startThread(open: OpenModule): void {
  const port = parentPort!;
  const data = workerData as ThreadData;
  const post = (message: FromThread): void => port.postMessage(message);
  const logger = loggerOver(post);
  const state: ThreadState = {
    listener: data.listener,
    connections: data.connections,
    logger,
    found: undefined,
    problems: [],
  };
  enterThread(state);
  open(data.module, state).then(
    ({ app, endpoint }) => {
      const server = new CallServer({
        handler: endpoint.handler,
        isManual: endpoint.ackMode === 'MANUAL' || endpoint.ackMode === 'MANUAL_IMMEDIATE',
        board: new ThreadBoard(data.board),
        post,
      });
      port.on('message', (message: ToThread) => {
        if (message.type === 'close') void close(app);
        else server.receive(message);
      });
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

/** Lines go to the main thread, which knows where they belong. */
function loggerOver(post: (message: FromThread) => void): Logger {
  const say =
    (level: LogLevel) =>
    (message: string, error?: unknown): void =>
      post({ type: 'log', level, message, error: error instanceof Error ? toPlainError(error) : undefined });
  return { debug: say('debug'), log: say('log'), warn: say('warn'), error: say('error') };
}
