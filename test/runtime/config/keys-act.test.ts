import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { CONFIG_KEYS } from '../../../src/runtime/config/config-keys.js';

// No key is accepted and ignored: each is read by name somewhere outside the table.

const root = fileURLToPath(new URL('../../../src/runtime/', import.meta.url));

function textsBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return name === 'keys' ? [] : textsBelow(path);
    return [readFileSync(path, 'utf8')];
  });
}

it('every key of the table is read somewhere', () => {
  const code = textsBelow(root).join('\n');
  const unread = Object.keys(CONFIG_KEYS).filter((name) => !code.includes(`'${name}'`));
  expect(unread).toEqual([]);
});
