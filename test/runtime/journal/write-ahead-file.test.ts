import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WriteAheadFile } from '../../../src/runtime/journal/write-ahead-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function linesIn(path: string): Promise<string[]> {
  const lines: string[] = [];
  const file = new WriteAheadFile(path);
  await file.open((line) => lines.push(line) > 0);
  await file.close();
  return lines;
}

describe('WriteAheadFile', () => {
  it('makes every folder that is missing, and gives back what was appended', async () => {
    const path = join(folder, 'a', 'b');
    const file = new WriteAheadFile(path);
    await file.open(() => true);
    await file.append(['one\n', 'two\n'], true);
    await file.close();
    expect(await linesIn(path)).toEqual(['one', 'two']);
  });

  it('rejects lines whose file cannot be made, and takes later ones', async () => {
    const path = join(folder, 'a');
    const file = new WriteAheadFile(path, 1); // a file for each line
    await file.open(() => true);
    await file.append(['one\n'], true);
    rmSync(path, { recursive: true });
    await expect(file.append(['two\n'], true)).rejects.toMatchObject({ code: 'ENOENT' });
    mkdirSync(path);
    await file.append(['three\n'], true);
    await file.close();
    expect(await linesIn(path)).toEqual(['three']);
  });
});
