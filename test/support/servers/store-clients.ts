import { afterAll, beforeAll } from '@jest/globals';
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { mariadbAddress, startMariadb } from './mariadb.js';
import { postgresAddress, startPostgres } from './postgres.js';
import { startRedis } from './redis.js';
import { type ServerProcess } from './server-process.js';

// Servers of stores with a client each, for the tests of the block that asks: up before them, gone after them.

const STARTING_MS = 60_000;

export function postgresPool(): () => pg.Pool {
  return connected(
    startPostgres,
    (server) => {
      const pool = new pg.Pool({ ...postgresAddress(server), max: 8 });
      pool.on('error', () => undefined);
      return pool;
    },
    (pool) => pool.end(),
  );
}

export function mysqlPool(): () => mysql.Pool {
  return connected(
    startMariadb,
    (server) => mysql.createPool(mariadbAddress(server)),
    (pool) => pool.end(),
  );
}

export function redisClient(): () => Redis {
  return connected(
    () => startRedis(),
    ({ port }) => new Redis(port, '127.0.0.1'),
    (client) => client.disconnect(),
  );
}

function connected<C>(
  start: () => Promise<ServerProcess>,
  connect: (server: ServerProcess) => C,
  end: (client: C) => unknown,
): () => C {
  let server: ServerProcess | undefined;
  let client: C | undefined;
  beforeAll(async () => {
    server = await start();
    client = connect(server);
  }, STARTING_MS);
  afterAll(async () => {
    if (client !== undefined) await end(client);
    await server?.stop();
  });
  return () => client!;
}
