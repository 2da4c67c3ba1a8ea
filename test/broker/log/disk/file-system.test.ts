import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DiskFileSystem } from '../../../../src/broker/log/disk/disk-file-system.js';
import { type FileSystem } from '../../../../src/broker/log/disk/file-system.js';
import { MemoryFileSystem } from '../../../../src/broker/log/disk/memory-file-system.js';

// Both file systems keep the same promises; the one in memory can also break.

const bytes = (text: string): Buffer => Buffer.from(text);

describe.each<[string, () => FileSystem]>([
  ['DiskFileSystem', () => new DiskFileSystem()],
  ['MemoryFileSystem', () => new MemoryFileSystem()],
])('%s', (_name, create) => {
  let root: string;
  let fs: FileSystem;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'nestdaw-fs-'));
    fs = create();
    fs.makeDirectory(root);
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('reads what was written, up to the end', async () => {
    const file = fs.open(`${root}/a`, { create: true });
    file.write([bytes('hello '), bytes(''), bytes('world')], 0);
    file.write([bytes('W')], 6);
    const target = Buffer.alloc(20, '.');
    expect(file.read(target, 2, 10, 3)).toBe(8);
    expect(target.toString()).toBe('..lo World..........');
    expect(file.read(target, 0, 5, 11)).toBe(0);
    expect(file.size()).toBe(11);
    await file.sync();
    file.close();
    expect(fs.readFile(`${root}/a`).toString()).toBe('hello World');
  });

  it('fills with zeros what a truncation or a gap leaves open', () => {
    const file = fs.open(`${root}/a`, { create: true });
    file.write([bytes('hello')], 0);
    file.truncate(2);
    file.write([bytes('!')], 4);
    expect(fs.readFile(`${root}/a`).toString('latin1')).toBe('he\0\0!');
    file.close();
  });

  it('writes across large offsets', () => {
    const file = fs.open(`${root}/a`, { create: true });
    const big = Buffer.alloc(700_000, 'x');
    file.write([big, bytes('end')], 100_000);
    expect(file.size()).toBe(800_003);
    const target = Buffer.alloc(5);
    file.read(target, 0, 5, 799_998);
    expect(target.toString()).toBe('xxend');
    file.close();
  });

  it('opens only what exists, unless told to make it, and keeps what is there', () => {
    expect(() => fs.open(`${root}/a`)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(() => fs.open(`${root}/none/a`, { create: true })).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    fs.writeFileAtomic(`${root}/a`, 'kept');
    fs.open(`${root}/a`, { create: true }).close();
    expect(fs.readFile(`${root}/a`).toString()).toBe('kept');
  });

  it('lists, renames and removes files and directories', () => {
    fs.makeDirectory(`${root}/d/e`);
    fs.writeFileAtomic(`${root}/d/a`, 'a');
    fs.writeFileAtomic(`${root}/d/b`, bytes('b'));
    expect(fs.list(`${root}/d`).sort()).toEqual(['a', 'b', 'e']);
    expect(fs.list(`${root}/none`)).toEqual([]);
    fs.rename(`${root}/d`, `${root}/f`);
    fs.rename(`${root}/f/a`, `${root}/f/b`);
    expect([fs.exists(`${root}/d`), fs.exists(`${root}/f`)]).toEqual([false, true]);
    expect(fs.readFile(`${root}/f/b`).toString()).toBe('a');
    fs.syncDirectory(`${root}/f`);
    fs.remove(`${root}/f`);
    fs.remove(`${root}/f`);
    expect(fs.list(root)).toEqual([]);
  });

  it('knows times and space', () => {
    fs.writeFileAtomic(`${root}/a`, 'a');
    expect(Math.abs(fs.modifiedAt(`${root}/a`) - Date.now())).toBeLessThan(60_000);
    const { total, usable } = fs.space(root);
    expect(usable).toBeGreaterThan(0);
    expect(total).toBeGreaterThanOrEqual(usable);
  });
});

describe('MemoryFileSystem when it breaks', () => {
  it('runs full at its capacity and takes back what is removed', () => {
    const fs = new MemoryFileSystem({ capacity: 10 });
    const file = fs.open('/a', { create: true });
    file.write([bytes('1234567')], 0);
    expect(() => file.write([bytes('abcdef')], 7)).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    expect(fs.readFile('/a').toString()).toBe('1234567abc');
    file.truncate(0);
    expect(fs.space()).toEqual({ total: 10, usable: 10 });
    fs.writeFileAtomic('/b', '0123456789');
    expect(() => fs.writeFileAtomic('/c', '!')).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    fs.remove('/b');
    fs.writeFileAtomic('/c', '!');
  });

  it('loses what was not synced when the power goes: bytes, names, renames', async () => {
    const fs = new MemoryFileSystem({ trackDurability: true });
    fs.makeDirectory('/d');
    const synced = fs.open('/d/synced', { create: true });
    synced.write([bytes('safe')], 0);
    await synced.sync();
    fs.syncDirectory('/d');
    synced.write([bytes(' gone')], 4);
    fs.open('/d/nameless', { create: true }).write([bytes('gone')], 0);
    fs.rename('/d/synced', '/d/renamed');
    fs.powerLoss();
    expect(fs.list('/d')).toEqual(['synced']);
    expect(fs.readFile('/d/synced').toString()).toBe('safe');
    expect(() => synced.size()).toThrow('EBADF');
  });

  it('may keep part of an unsynced tail', async () => {
    const fs = new MemoryFileSystem({ trackDurability: true });
    const file = fs.open('/a', { create: true });
    fs.syncDirectory('');
    file.write([bytes('safe')], 0);
    await file.sync();
    file.write([bytes('torn')], 4);
    fs.powerLoss((_path, synced) => synced + 2);
    expect(fs.readFile('/a').toString()).toBe('safeto');
  });

  it('keeps everything but open handles when the process dies', () => {
    const fs = new MemoryFileSystem();
    const file = fs.open('/a', { create: true });
    file.write([bytes('kept')], 0);
    fs.crash();
    expect(() => file.write([bytes('x')], 0)).toThrow('EBADF');
    expect(fs.readFile('/a').toString()).toBe('kept');
  });
});
