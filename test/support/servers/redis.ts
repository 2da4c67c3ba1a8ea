import { connect } from 'node:net';
import { findProgram, type ServerPlan, ServerProcess } from './server-process.js';

// A private Redis. It writes every command to its file before answering, so that a killed one forgets nothing.

const program = findProgram('redis-server', 'valkey-server');

/** Undefined where it can be started. */
export const whyNoRedis = program === undefined ? 'redis-server is not installed' : undefined;

/** @param fsync `always`: a kill loses nothing; `everysec`: as most run it */
export function startRedis(fsync: 'always' | 'everysec' = 'always'): Promise<ServerProcess> {
  const plan: ServerPlan = {
    name: 'redis-server',
    program: program!,
    args: (folder, port) => [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'yes',
      '--appendfsync',
      fsync,
    ],
    isReady: pong,
  };
  return ServerProcess.open(plan);
}

function pong(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString().startsWith('+PONG'));
    });
    socket.once('error', () => resolve(false));
  });
}
