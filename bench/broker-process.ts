import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// A broker of ours in a process of its own, so that clients on both sides of a contest share nothing with it.

export interface BrokerProcess {
  readonly bootstrapServers: string;
  /** Ms from spawning the process to its line "ready". */
  readonly readyMs: number;
  readonly pid: number;
  /** Ends it, with SIGTERM unless told otherwise; a folder that was made for it goes too. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** On a folder of its own, unless one is given. */
export async function startBrokerProcess(
  overrides: Readonly<Record<string, string>> = {},
  folder?: string,
): Promise<BrokerProcess> {
  const dataDir = folder ?? mkdtempSync(join(tmpdir(), 'nestdaw-bench-'));
  const settings = Object.entries(overrides).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const started = performance.now();
  const child = spawn(
    process.execPath,
    ['dist/cjs/cli/main.js', 'broker', '--port', '0', '--data-dir', dataDir, ...settings],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const bootstrapServers = await readyAddress(child);
  return {
    bootstrapServers,
    readyMs: performance.now() - started,
    pid: child.pid!,
    stop: (signal = 'SIGTERM') =>
      new Promise((resolve) => {
        child.once('exit', () => {
          if (folder === undefined) rmSync(dataDir, { recursive: true, force: true });
          resolve();
        });
        child.kill(signal);
      }),
  };
}

function readyAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const match = /ready on (\S+),/.exec(text);
      if (match) resolve(match[1]!);
    });
    child.once('exit', (code) => reject(new Error(`the broker ended with code ${code} before it was ready`)));
  });
}
