import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Program } from '../program.js';

// A server of somebody else's as a private process: a folder and a free port of its own, started, killed and started
// again at will. As root it runs as an ordinary user, since some servers refuse to be root.

const NOBODY = 65_534;
const OUTSIDE_PATH = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'];
const PATIENCE_MS = 60_000;
/** Processes of one that was killed hold its folder for a moment longer. */
const STILL_HELD = /is still in use|another server might be running/;

/** The first of these programs that is installed; undefined when none is. */
export function findProgram(...names: readonly string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...OUTSIDE_PATH, ...postgresFolders()];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/** Debian keeps PostgreSQL's programs outside of the path, one folder a version. */
function postgresFolders(): string[] {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return [];
  return readdirSync(root).map((version) => join(root, version, 'bin'));
}

export interface ServerPlan {
  readonly name: string;
  readonly program: string;
  readonly args: (folder: string, port: number) => readonly string[];
  /** Makes the folder ready, once. */
  readonly prepare?: (folder: string, run: (program: string, args: readonly string[]) => void) => void;
  /** Whether it answers by now; asked until it does. */
  readonly isReady: (port: number) => Promise<boolean>;
  /** What ends it quickly for good, with nothing left over on the machine; default SIGKILL. */
  readonly stopSignal?: NodeJS.Signals;
}

export class ServerProcess extends Program {
  private constructor(
    readonly plan: ServerPlan,
    readonly folder: string,
    readonly port: number,
  ) {
    super({ name: plan.name, program: plan.program, args: plan.args(folder, port), options: identity(folder) });
    if (isRoot()) chownSync(folder, NOBODY, NOBODY);
    plan.prepare?.(folder, (program, args) => {
      execFileSync(program, args, { ...identity(folder), stdio: ['ignore', 'ignore', 'pipe'] });
    });
  }

  static async open(plan: ServerPlan): Promise<ServerProcess> {
    const server = new ServerProcess(plan, mkdtempSync(join(tmpdir(), 'server-')), await freePort());
    await server.untilReady();
    return server;
  }

  /** Starts it, for the first time or again, on the same port and folder; resolves when it answers. */
  async untilReady(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    this.start();
    while (!(await this.plan.isReady(this.port))) {
      if (performance.now() > deadline) {
        throw new Error(`${this.plan.name} does not answer on port ${this.port}:\n${this.output}`);
      }
      await delay(20);
      if (!this.isRunning && STILL_HELD.test(this.output)) this.start();
      this.mustRun();
    }
  }

  /** Stops it for good and removes its folder. */
  async stop(): Promise<void> {
    await this.kill(this.plan.stopSignal);
    // Helper processes of a killed server may still be writing.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function identity(folder: string) {
  const env = { ...process.env, HOME: folder, LC_ALL: 'C' };
  return { cwd: folder, env, ...(isRoot() ? { uid: NOBODY, gid: NOBODY } : {}) };
}

/**
 * A port below those that the system gives to whoever asks for any, outgoing connections included: nobody takes it
 * between now and the server's start, or while the server is down.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 15_000 + randomInt(15_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
