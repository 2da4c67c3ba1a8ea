import { type Observable } from 'rxjs';
import { nextTurn } from '../../../common/clock.js';
import { SerialQueue } from '../../../common/lifecycle.js';

// The values of a handler as replies, each sent and acknowledged before the next: the record that asked counts as
// finished only when the last reply is stored.

export interface Reply {
  readonly response?: unknown;
  readonly err?: unknown;
  /** Nothing follows. */
  readonly isDisposed: boolean;
}

/**
 * Sends what the stream emits; resolves after the last reply, rejects when one could not be sent. `isRetriable` errors
 * before the first value are thrown instead of sent: the record is to be handled again.
 */
export function replyTo(
  stream: Observable<unknown>,
  publish: (reply: Reply) => Promise<unknown>,
  isRetriable: (error: unknown) => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const queue = new SerialQueue();
    let failure: { readonly error: unknown } | undefined;
    // A value waits one turn for the end of its stream, which then goes with it: most handlers give one value.
    let held: { readonly value: unknown } | undefined;
    let hasAnswered = false;
    const send = (reply: Reply) => {
      hasAnswered = true;
      void queue
        .run(() => publish(reply))
        .catch((error: unknown) => {
          failure ??= { error };
        });
    };
    const release = (isDisposed: boolean): boolean => {
      if (held === undefined) return false;
      send({ response: held.value, isDisposed });
      held = undefined;
      return true;
    };
    const end = () => {
      void queue.idle().then(() => (failure ? reject(failure.error as Error) : resolve()));
    };
    stream.subscribe({
      next: (value) => {
        release(false);
        const mine = { value };
        held = mine;
        nextTurn(() => {
          if (held === mine) release(false);
        });
      },
      error: (error: unknown) => {
        if (!hasAnswered && held === undefined && isRetriable(error)) {
          reject(error as Error);
          return;
        }
        release(false);
        send({ err: error, isDisposed: true });
        end();
      },
      complete: () => {
        if (!release(true)) send({ isDisposed: true });
        end();
      },
    });
  });
}
