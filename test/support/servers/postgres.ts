import { join } from 'node:path';
import pg from 'pg';
import { findProgram, type ServerPlan, ServerProcess } from './server-process.js';

// A private PostgreSQL, durable as it comes: what it said is committed is there after a kill.

const initdb = findProgram('initdb');
const program = findProgram('postgres');

/** Undefined where it can be started. */
export const whyNoPostgres =
  program === undefined || initdb === undefined ? 'postgres and initdb are not installed' : undefined;

export function startPostgres(): Promise<ServerProcess> {
  const data = (folder: string) => join(folder, 'data');
  const plan: ServerPlan = {
    name: 'postgres',
    program: program!,
    prepare: (folder, run) =>
      run(initdb!, [
        '-D',
        data(folder),
        '-U',
        'nestdaw',
        '-A',
        'trust',
        '-E',
        'UTF8',
        '--no-sync',
        '--no-instructions',
      ]),
    args: (folder, port) => [
      '-D',
      data(folder),
      '-p',
      String(port),
      '-k',
      folder,
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'max_connections=60',
      '-c',
      'shared_buffers=16MB',
      // Memory that it shares among its processes goes with the folder, also when it is killed.
      '-c',
      'dynamic_shared_memory_type=mmap',
    ],
    isReady: answers,
    // Killed otherwise, it leaves its shared memory behind.
    stopSignal: 'SIGQUIT',
  };
  return ServerProcess.open(plan);
}

/** What a pool or client of `pg` needs to reach it. */
export function postgresAddress({ port }: { readonly port: number }) {
  return { host: '127.0.0.1', port, user: 'nestdaw', database: 'postgres' };
}

async function answers(port: number): Promise<boolean> {
  const client = new pg.Client({ ...postgresAddress({ port }), connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
