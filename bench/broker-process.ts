import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program } from '../test/support/program.js';

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
  const program = new Program({
    name: 'the broker',
    args: ['dist/cjs/cli/nestdaw.js', 'broker', '--port', '0', '--data-dir', dataDir, ...settings],
  }).start();
  const [, bootstrapServers] = await program.says(/ready on (\S+),/);
  return {
    bootstrapServers: bootstrapServers!,
    readyMs: program.ageMs,
    pid: program.pid!,
    stop: async (signal = 'SIGTERM') => {
      program.mustRun();
      await program.kill(signal);
      if (folder === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
