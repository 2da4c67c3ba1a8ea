import { deferred } from '../../src/common/lifecycle.js';
import { type ListenerEndpoint } from '../../src/runtime/listener/listener-endpoint.js';
import { type ToCallThread } from '../../src/runtime/threads/call-messages.js';
import { CallServer } from '../../src/runtime/threads/call-server.js';
import { type ThreadLink } from '../../src/runtime/threads/thread.js';
import { ThreadBoard } from '../../src/runtime/threads/thread-board.js';
import { type FromThread, type ToThread } from '../../src/runtime/threads/thread-messages.js';

// Threads without threads: the real server behind a port that copies what crosses it, in the test's own event loop.

export class FakeThread implements ThreadLink {
  readonly board = new ThreadBoard();
  readonly server: CallServer;
  isDead = false;
  readonly #ended = deferred<Error>();
  readonly ended = this.#ended.promise;
  #listener: ((message: FromThread) => void) | undefined;

  constructor(
    readonly name: string,
    handler: ListenerEndpoint['handler'],
    isManual = false,
  ) {
    const post = (message: FromThread): void => {
      const copy = structuredClone(message);
      queueMicrotask(() => {
        if (!this.isDead) this.#listener?.(copy);
      });
    };
    this.server = new CallServer({ handler, isManual, board: this.board, post });
  }

  post(message: ToThread, transfer: readonly ArrayBuffer[] = []): void {
    const copy = structuredClone(message, { transfer: [...transfer] });
    queueMicrotask(() => {
      if (!this.isDead && copy.type !== 'close') this.server.receive(copy as ToCallThread);
    });
  }

  onMessage(listener: (message: FromThread) => void): void {
    this.#listener = listener;
  }

  close(): Promise<void> {
    this.kill();
    return Promise.resolve();
  }

  kill(reason = new Error('killed')): void {
    this.isDead = true;
    this.#ended.resolve(reason);
  }
}
