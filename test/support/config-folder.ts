import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from '@jest/globals';
import { hasCode } from '../../src/common/errors.js';
import {
  type ConfigurationSources,
  type LoadedConfiguration,
  loadConfiguration,
} from '../../src/runtime/config/load-configuration.js';

// Configuration from files in a folder of its own, with nothing from outside; the folder goes with the test.

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

export function folderWith(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'nestdaw-config-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Loads a folder with these files, environment and arguments empty unless given. */
export function load(
  files: Readonly<Record<string, string | Buffer>>,
  sources: ConfigurationSources = {},
): LoadedConfiguration {
  return loadConfiguration({ cwd: folderWith(files), env: {}, argv: [], ...sources });
}

/** Lines of the report that `run` throws, without the first. */
export function mistakesOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (!hasCode(error, 'KAFKA_CONFIG_INVALID')) throw error;
    return (error as Error).message
      .split('\n')
      .slice(1)
      .map((line) => line.replace('  - ', ''));
  }
  throw new Error('no mistake was reported');
}

/** An application.properties of these lines. */
export const file = (...lines: string[]) => ({ 'application.properties': lines.join('\n') });
