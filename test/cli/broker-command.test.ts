import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Program } from '../support/program.js';

const MAIN = join(process.cwd(), 'dist/esm/cli/main.js');
let folder: string;
const programs: Program[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
});

afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill();
  rmSync(folder, { recursive: true, force: true });
});

function nestdaw(...args: string[]): Program {
  const program = new Program({ name: 'nestdaw', args: [MAIN, ...args], options: { cwd: folder } }).start();
  programs.push(program);
  return program;
}

describe('nestdaw broker', () => {
  it('prints one line when it is ready and stops cleanly on SIGTERM', async () => {
    const broker = nestdaw('broker', '--port', '0', '--data-dir', 'data');
    const [line] = await broker.says(/Broker ready on 127\.0\.0\.1:\d+, data in data .*\n/);
    expect(broker.output).toBe(line);
    expect(existsSync(join(folder, 'data/.kafka_cleanshutdown'))).toBe(false);
    await broker.kill('SIGTERM');
    expect(await broker.ended).toBe(0);
    expect(existsSync(join(folder, 'data/.kafka_cleanshutdown'))).toBe(true);
  });

  it("takes Kafka's own keys from a file, and the command line goes first", async () => {
    writeFileSync(
      join(folder, 'server.properties'),
      `listeners=PLAINTEXT://127.0.0.1:0\nlog.dirs=${folder}/from-file\n`,
    );
    const broker = nestdaw('broker', '--config', 'server.properties');
    expect((await broker.says(/data in (\S+)/))[1]).toBe(join(folder, 'from-file'));
    const other = nestdaw('broker', '--config', 'server.properties', '--data-dir', 'other');
    expect((await other.says(/data in (\S+)/))[1]).toBe('other');
  });

  it('refuses a setting that does not exist and names the nearest one', async () => {
    const broker = nestdaw('broker', '--port', '0', '-o', 'num.partition=3');
    expect(await broker.ended).toBe(1);
    expect(broker.output).toContain('num.partition');
    expect(broker.output).toContain('num.partitions');
  });

  it('refuses a folder on which another broker runs', async () => {
    const first = nestdaw('broker', '--port', '0', '--data-dir', 'data');
    await first.says(/ready/);
    const second = nestdaw('broker', '--port', '0', '--data-dir', 'data');
    expect(await second.ended).toBe(1);
    expect(second.output).toMatch(/another broker runs on .*data/);
  });

  it('shows examples in its help', async () => {
    const help = nestdaw('broker', '--help');
    expect(await help.ended).toBe(0);
    expect(help.output).toContain('kcat -b 127.0.0.1:9092 -L');
  });
});
