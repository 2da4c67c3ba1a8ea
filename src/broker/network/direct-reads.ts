import { type Socket } from 'node:net';

// Reading a socket into memory of the caller's: no new memory for every 64 KB, and no copy of what is read to where it
// belongs. Node gives this to sockets that connect (`onread`); those that a server accepts have the same parts, and
// here they are set. A Node with other insides is noticed, and 'data' events do.

interface Handle {
  useUserBuffer?(memory: Uint8Array): void;
}

type Parts = Socket & { readonly _handle?: Handle | null } & Record<symbol, unknown>;

/**
 * Asks `memory` before each read where its bytes should go, and says in `onBytes` how many came there; both run in one
 * turn, so that sockets may share memory. Call it before the socket has read anything. False: use 'data' events.
 */
export function readInto(socket: Socket, memory: () => Buffer, onBytes: (memory: Buffer, bytes: number) => void) {
  const parts = socket as Parts;
  const handle = parts._handle;
  const [buffer, callback, next] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map((name) => symbolOf(parts, name));
  // The handle of another kind of socket reads what is not yet deciphered, or nothing of the kind.
  if (handle?.constructor.name !== 'TCP' || typeof handle.useUserBuffer !== 'function') return false;
  if (!buffer || !callback || !next) return false;
  const first = memory();
  parts[buffer] = first;
  parts[callback] = (bytes: number, into: Buffer): boolean => {
    onBytes(into, bytes);
    return true;
  };
  parts[next] = memory;
  handle.useUserBuffer(first);
  return true;
}

function symbolOf(socket: object, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(socket).find((symbol) => symbol.description === description);
}
