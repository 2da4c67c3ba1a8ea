import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { findProgram, type ServerPlan, ServerProcess } from './server-process.js';

// A private MariaDB, spoken to as MySQL.

const install = findProgram('mariadb-install-db', 'mysql_install_db');
const program = findProgram('mariadbd', 'mysqld');

/** Undefined where it can be started. */
export const whyNoMariadb =
  program === undefined || install === undefined ? 'mariadbd and mariadb-install-db are not installed' : undefined;

export function startMariadb(): Promise<ServerProcess> {
  const data = (folder: string) => join(folder, 'data');
  const plan: ServerPlan = {
    name: 'mariadbd',
    program: program!,
    prepare: (folder, run) =>
      run(install!, [
        '--no-defaults',
        `--datadir=${data(folder)}`,
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
        '--skip-name-resolve',
      ]),
    args: (folder, port) => [
      '--no-defaults',
      `--datadir=${data(folder)}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(folder, 'mariadb.sock')}`,
      '--skip-name-resolve',
      '--skip-grant-tables',
      '--innodb-buffer-pool-size=16M',
      '--skip-log-bin',
    ],
    isReady: answers,
  };
  return ServerProcess.open(plan);
}

/** What a pool or connection of `mysql2` needs to reach it; the database exists once it answers. */
export function mariadbAddress({ port }: { readonly port: number }) {
  return { host: '127.0.0.1', port, user: 'root', database: 'nestdaw' };
}

async function answers(port: number): Promise<boolean> {
  try {
    const connection = await mysql.createConnection({ host: '127.0.0.1', port, user: 'root' });
    try {
      await connection.query('CREATE DATABASE IF NOT EXISTS nestdaw');
      return true;
    } finally {
      await connection.end();
    }
  } catch {
    return false;
  }
}
