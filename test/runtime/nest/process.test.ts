import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

// What signals and failed starts do to a process. The fixtures run the built package.

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}.mjs`, import.meta.url));

async function run(args: string[], signals: NodeJS.Signals[], name = 'application', isHeard = true) {
  const child = spawn(process.execPath, [fixture(name), ...args], {
    stdio: ['ignore', 'pipe', isHeard ? 'inherit' : 'ignore'],
  });
  const lines: string[] = [];
  const left = [...signals];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (line === 'handling') for (const signal of left.splice(0)) child.kill(signal);
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return { lines, exitCode: child.exitCode, signalCode: child.signalCode };
}

const drained = ['handling', 'handled', 'committed', 'producer stopped'];

let plain: ReturnType<typeof run> | undefined;
/** One that is told to end once, and does nothing about it by itself. */
function terminated() {
  plain ??= run([], ['SIGTERM']);
  return plain;
}

describe('a process', () => {
  it('drains on SIGTERM without shutdown hooks, then ends as it would have', async () => {
    const { lines, signalCode } = await terminated();
    expect(lines.filter((line) => drained.includes(line))).toEqual(drained);
    expect(signalCode).toBe('SIGTERM');
  });

  it('leaves the end to Nest where it has shutdown hooks', async () => {
    const { lines, signalCode } = await run(['--hooks'], ['SIGTERM']);
    const steps = lines.filter((line) => [...drained, 'destroyed'].includes(line));
    expect(steps).toEqual(['handling', 'handled', 'committed', 'destroyed', 'producer stopped']);
    expect(signalCode).toBe('SIGTERM');
  });

  it('ends at once when asked twice', async () => {
    const { lines, signalCode } = await run([], ['SIGINT', 'SIGTERM']);
    expect(lines).not.toContain('handled');
    expect(signalCode).toMatch(/SIGINT|SIGTERM/);
  });

  it('ends with its own exit code when applications do not start, and closes what they opened', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'nestdaw-failed-'));
    const { lines, exitCode } = await run([dataDir], [], 'failed-starts');
    rmSync(dataDir, { recursive: true });
    expect(lines).toEqual([
      'init: no database',
      'bootstrap: no cache',
      expect.stringMatching(/^listener: orders-0 has no committed offset/),
      'over',
      ...Array<string>(2).fill('the application did not start: its Kafka connections are closed'),
    ]);
    expect(exitCode).toBe(1);
  });

  it('ends with exit code 1 when a listener cannot start after all, where that is the policy', async () => {
    const { lines, exitCode } = await run(['--late'], [], 'application', false);
    expect(lines).toEqual([
      expect.stringContaining('Listener.handle: no partitions after 1 ms'),
      'listener Listener.handle did not start: no rights',
      'the application ends for that (kafka.listener.start-failure=stop)',
      'producer stopped',
      'uncaught: no rights',
    ]);
    expect(exitCode).toBe(1);
  });

  it('lives on after a failed send that nobody looked at', async () => {
    const { lines, signalCode } = await terminated();
    expect(lines).toContain('send to t, key null, failed: refused');
    expect(signalCode).toBe('SIGTERM');
  });
});
