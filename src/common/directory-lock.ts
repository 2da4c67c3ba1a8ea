import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deferred } from './lifecycle.js';

// Exclusion of two processes on one directory: a listening socket whose name follows from the directory's device
// and inode. The operating system frees it at the very moment its process dies, however it dies, so nothing can be
// left over (on Linux an abstract socket, on Windows a named pipe; elsewhere a socket file, probed when it is found).
// Whoever connects is told what the holder announces (a broker its address), and sees the connection close when it
// ends.

export interface DirectoryLock {
  /** Tells the address to those who wait for it and to all who connect from now on. */
  announce(bootstrapServers: string): void;
  release(): Promise<void>;
}

/** The broker that holds a directory, as seen by another process. */
export interface LockHolder {
  /** Resolves once the holder has announced its address; undefined when it ended before that. */
  readonly bootstrapServers: Promise<string | undefined>;
  /** Resolves when the holder has ended. */
  readonly ended: Promise<void>;
  /** Stops watching. */
  leave(): void;
}

function addressOf(identity: string): string {
  const name = `nestdaw-${identity}`;
  if (process.platform === 'linux') return `\0${name}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`;
  return join(tmpdir(), `${name}.sock`);
}

/**
 * Takes the lock; undefined when somebody else holds it. `removeStale` deletes a socket file that nobody listens on
 * (platforms without abstract sockets).
 */
export async function acquireDirectoryLock(
  identity: string,
  removeStale: (path: string) => void,
): Promise<DirectoryLock | undefined> {
  const address = addressOf(identity);
  const watchers = new Set<Socket>();
  let announced: string | undefined;
  const server = createServer((socket) => {
    watchers.add(socket);
    socket.on('error', () => undefined); // a watcher that vanished
    socket.once('close', () => watchers.delete(socket));
    if (announced !== undefined) socket.write(`${announced}\n`);
  });
  let listening = await listen(server, address);
  if (!listening && !address.startsWith('\0')) {
    const holder = await findLockHolder(identity);
    if (holder) holder.leave();
    else {
      removeStale(address);
      listening = await listen(server, address);
    }
  }
  if (!listening) return undefined;
  server.unref();
  return {
    announce(bootstrapServers) {
      announced = bootstrapServers;
      for (const watcher of watchers) watcher.write(`${announced}\n`);
    },
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const watcher of watchers) watcher.destroy();
      }),
  };
}

/** Connects to whoever holds the lock; undefined when nobody does. */
export function findLockHolder(identity: string): Promise<LockHolder | undefined> {
  return new Promise((resolve) => {
    const bootstrapServers = deferred<string | undefined>();
    const ended = deferred();
    const socket = connect(addressOf(identity));
    let text = '';
    socket.once('connect', () =>
      resolve({ bootstrapServers: bootstrapServers.promise, ended: ended.promise, leave: () => socket.destroy() }),
    );
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      const end = text.indexOf('\n');
      if (end === -1) return;
      bootstrapServers.resolve(text.slice(0, end));
      socket.unref(); // to watch is no reason to live on
    });
    socket.on('error', () => undefined); // `close` follows
    socket.once('close', () => {
      bootstrapServers.resolve(undefined);
      ended.resolve();
      resolve(undefined);
    });
  });
}

function listen(server: Server, address: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(address, () => {
      server.removeAllListeners('error');
      resolve(true);
    });
  });
}
