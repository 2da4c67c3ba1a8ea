import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

// A real client in a process of its own, compiled from bench/clients/franz-go.

const BINARY = resolve('.clients/franz-go-bench');
const SOURCES = 'bench/clients/franz-go';

/** The client, compiled; undefined, said aloud, where Go is missing. */
export function franzGo(): FranzGo | undefined {
  if (spawnSync('go', ['version'], { stdio: 'ignore' }).status !== 0) {
    console.error('SKIPPED: franz-go as a client needs go (1.24 or newer)');
    return undefined;
  }
  mkdirSync('.clients', { recursive: true });
  execFileSync('go', ['build', '-o', BINARY, '.'], { cwd: SOURCES, stdio: ['ignore', 'ignore', 'inherit'] });
  return new FranzGo();
}

export class FranzGo {
  /** MB/s of record values. */
  async run(port: number, topic: string, what: 'produce' | 'fetch', records: number, bytes: number): Promise<number> {
    const args = [`127.0.0.1:${port}`, topic, what, String(records), String(bytes)];
    const { stdout } = await promisify(execFile)(BINARY, args);
    return Number(stdout);
  }
}
