import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FileOutboxStore } from '../../../src/runtime/outbox/file-outbox-store.js';
import { type OutboxMessage } from '../../../src/runtime/outbox/outbox-message.js';

const message = (id: string, key: string | null = 'anna'): OutboxMessage => ({
  messageId: id,
  topic: 'orders',
  partition: undefined,
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(`value of ${id}`),
  headers: [{ key: 'h', value: null }],
  timestamp: 1_700_000_000_000,
});

describe('outbox in a file', () => {
  let folder: string;
  const opened: FileOutboxStore[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nestdaw-outbox-'));
  });

  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await rm(folder, { recursive: true });
  });

  async function open(options: { maxMessages?: number; fileBytes?: number } = {}): Promise<FileOutboxStore> {
    const store = new FileOutboxStore({ folder, ...options });
    await store.open();
    opened.push(store);
    return store;
  }

  async function reopen(options: { fileBytes?: number } = {}): Promise<FileOutboxStore> {
    for (const store of opened.splice(0)) await store.close();
    return open(options);
  }

  const ids = async (store: FileOutboxStore, limit = 1_000, without: string[] = []) =>
    (await store.read(limit, without)).map(({ messageId }) => messageId);

  it('gives back what was written, also after it was opened anew', async () => {
    const store = await open();
    await Promise.all([store.append([message('a'), message('b', 'ben')]), store.append([message('c', null)])]);
    expect(await store.read(1, [])).toMatchObject([message('a')]);
    const lane = (await store.read(1, []))[0]!.lane!;
    expect(await ids(store, 1_000, [lane])).toEqual(['b', 'c']);
    expect(await ids(await reopen())).toEqual(['a', 'b', 'c']);
  });

  it('forgets what was relayed, also after it was opened anew', async () => {
    const store = await open();
    await store.append([message('a'), message('b'), message('c')]);
    const [first, , third] = await store.read(3, []);
    await store.remove([first!, third!]);
    expect(await ids(store)).toEqual(['b']);
    const again = await reopen();
    expect(await ids(again)).toEqual(['b']);
    await again.append([message('d')]);
    expect((await again.read(9, [])).map(({ sequence }) => Number(sequence))).toEqual([2, 4]);
    expect(await again.backlog()).toEqual({ messages: 2, oldest: 1_700_000_000_000 });
  });

  it('begins a next file and removes those that nothing waits in', async () => {
    const store = await open({ fileBytes: 500 });
    for (let n = 0; n < 20; n++) await store.append([message(`m${n}`)]);
    const before = (await readdir(folder)).length;
    expect(before).toBeGreaterThan(3);
    const [first, ...others] = await store.read(100, []);
    await store.remove(others);
    expect(await readdir(folder)).toContain('00000000000000000001.journal');
    await store.remove([first!]);
    expect((await readdir(folder)).length).toBeLessThanOrEqual(2);
    const again = await reopen({ fileBytes: 500 });
    expect(await ids(again)).toEqual([]);
    await again.append([message('next')]);
    expect((await again.read(1, []))[0]!.sequence).toBe('21');
  });

  it('keeps every whole message of a file that was cut off at any byte, and goes on behind it', async () => {
    const store = await open();
    const ends: number[] = [0];
    const file = join(folder, '00000000000000000001.journal');
    for (let n = 0; n < 3; n++) {
      await store.append([message(`m${n}`)]);
      ends.push((await readFile(file)).length);
    }
    await store.close();
    opened.length = 0;
    const whole = await readFile(file);
    for (let length = 0; length <= whole.length; length += 7) {
      await writeFile(file, whole.subarray(0, length));
      const cut = await open();
      const kept = ends.filter((end) => end <= length).length - 1;
      expect(await ids(cut)).toEqual(['m0', 'm1', 'm2'].slice(0, kept));
      await cut.append([message('after')]);
      expect(await ids(await reopen())).toEqual([...['m0', 'm1', 'm2'].slice(0, kept), 'after']);
      for (const one of opened.splice(0)) await one.close();
    }
  });

  it('does not take a damaged line for a message; it says so, and keeps what stands behind it', async () => {
    await (await open()).append([message('a'), message('b'), message('c')]);
    await opened.pop()!.close();
    const file = join(folder, '00000000000000000001.journal');
    const text = await readFile(file, 'utf8');
    const [first, second] = text.split('\n') as [string, string];
    await writeFile(file, text.replace(second, second.replace('orders', 'riders')));
    const store = new FileOutboxStore({ folder });
    opened.push(store);
    expect(await store.open()).toEqual([
      `outbox: ${second.length + 1} bytes of ${file} are damaged from position ${first.length + 1} on: what stood there ` +
        'is lost, the rest is read',
    ]);
    expect(await ids(store)).toEqual(['a', 'c']);
  });

  it('belongs to one at a time', async () => {
    await open();
    const second = new FileOutboxStore({ folder });
    await expect(second.open()).rejects.toMatchObject({ code: 'KAFKA_DATA_DIR_LOCKED' });
    await second.close();
  });

  it('refuses more messages than may wait', async () => {
    const store = await open({ maxMessages: 2 });
    await store.append([message('a'), message('b')]);
    await expect(store.append([message('c')])).rejects.toMatchObject({ code: 'KAFKA_BUFFER_FULL', retriable: true });
    await store.remove(await store.read(1, []));
    await store.append([message('c')]);
    expect(await ids(store)).toEqual(['b', 'c']);
  });
});
