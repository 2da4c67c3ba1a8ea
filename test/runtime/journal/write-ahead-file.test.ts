import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WriteAheadFile } from '../../../src/runtime/journal/write-ahead-file.js';
import { fullDisk } from '../../support/full-disk.js';

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

  it('rejects lines that a full disk does not take, and takes others when there is room', async () => {
    const file = new WriteAheadFile(folder);
    await file.open(() => true);
    await file.append(['one\n'], true);
    const disk = await fullDisk();
    try {
      const refused = [file.append(['two\n'], true), file.append(['three\n'], false)];
      for (const { reason } of (await Promise.allSettled(refused)) as PromiseRejectedResult[]) {
        expect(reason).toMatchObject({ code: 'ENOSPC' });
      }
    } finally {
      disk.hasRoom();
    }
    expect(readFileSync(join(folder, '00000000000000000001.journal'), 'utf8')).toBe('one\n');
    await file.append(['four\n'], true);
    await file.close();
    expect(await linesIn(folder)).toEqual(['one', 'four']);
  });

  it('passes over lines that are not whole, says where, and cuts off those at the end', async () => {
    const path = join(folder, '00000000000000000001.journal');
    writeFileSync(path, 'one\n?\n??\ntwo\n???\nhal');
    const lines: string[] = [];
    const file = new WriteAheadFile(folder);
    expect(await file.open((line) => !line.startsWith('?') && lines.push(line) > 0)).toEqual([
      { path, position: 4, bytes: 5 },
    ]);
    expect(lines).toEqual(['one', 'two']);
    await file.append(['three\n'], true);
    await file.close();
    expect(readFileSync(path, 'utf8')).toBe('one\n?\n??\ntwo\nthree\n');
  });
});
