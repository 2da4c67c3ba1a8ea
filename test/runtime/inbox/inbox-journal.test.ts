import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type KafkaRecord } from '../../../src/common/record.js';
import { InboxJournal } from '../../../src/runtime/inbox/inbox-journal.js';

const tp = { topic: 'orders', partition: 0 };
const record = (offset: number): KafkaRecord => ({
  ...tp,
  offset,
  timestamp: 1_000 + offset,
  key: Buffer.from('anna'),
  value: offset === 3 ? null : Buffer.from(`value ${offset}`),
  headers: offset === 2 ? [{ key: 'h', value: Buffer.from([255]) }] : [],
});
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => record(from + index));

describe('inbox on the disk', () => {
  let folder: string;
  let open: InboxJournal | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nestdaw-inbox-'));
  });

  afterEach(async () => {
    await open?.close();
    open = undefined;
    await rm(folder, { recursive: true });
  });

  async function journal(fileBytes?: number): Promise<InboxJournal> {
    await open?.close();
    open = new InboxJournal(folder, fileBytes);
    await open.open();
    return open;
  }

  const offsets = async (from: InboxJournal, limit = 100) =>
    (await from.read(from.partition(tp, 0).take(limit))).map(({ offset }) => offset);

  it('gives records back as they were, also after it was opened anew', async () => {
    const first = await journal();
    await first.take(first.partition(tp, 1), range(1, 5), 5);
    expect(await first.read(first.partition(tp, 0).take(9))).toEqual(range(1, 5));
    const again = await journal();
    expect(again.count).toBe(4);
    expect(again.get('orders', 0)).toMatchObject({ position: 1, finished: 1, end: 5 });
    expect(await again.read(again.partition(tp, 0).take(9))).toEqual(range(1, 5));
  });

  it('leaves out what is here already', async () => {
    const inbox = await journal();
    const partition = inbox.partition(tp, 0);
    await inbox.take(partition, range(0, 4), 4);
    await inbox.take(partition, range(2, 6), 6);
    expect(await offsets(inbox)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(inbox.count).toBe(6);
  });

  it('hands out again what was not finished, with what the listener said about it', async () => {
    const inbox = await journal();
    await inbox.take(inbox.partition(tp, 0), range(0, 6), 6);
    expect(await offsets(inbox)).toHaveLength(6);
    await inbox.finish(inbox.partition(tp, 0), 2, 'a gap map');
    expect(inbox.count).toBe(4);
    const again = await journal();
    expect(again.get('orders', 0)).toMatchObject({ finished: 2, metadata: 'a gap map', count: 4 });
    expect(await offsets(again)).toEqual([2, 3, 4, 5]);
  });

  it('removes files that nothing waits in', async () => {
    const inbox = await journal(120);
    const partition = inbox.partition(tp, 0);
    for (let offset = 0; offset < 12; offset++) await inbox.take(partition, [record(offset)], offset + 1);
    const before = (await readdir(folder)).length;
    expect(before).toBeGreaterThan(3);
    await inbox.finish(partition, 11, '');
    expect((await readdir(folder)).length).toBeLessThan(before);
    const again = await journal(120);
    expect(await offsets(again)).toEqual([11]);
    expect(again.count).toBe(1);
  });

  it('knows every whole record after a file was cut off anywhere', async () => {
    const inbox = await journal();
    await inbox.take(inbox.partition(tp, 0), range(0, 3), 3);
    await inbox.close();
    open = undefined;
    const file = join(folder, '00000000000000000001.journal');
    for (let length = (await readFile(file)).length; length > 0; length -= 13) {
      await truncate(file, length);
      const cut = await journal();
      const kept = await offsets(cut);
      expect(kept).toEqual([0, 1, 2].slice(0, kept.length));
      await cut.close();
      open = undefined;
    }
  });

  it('says what is damaged, and hands out the rest', async () => {
    const inbox = await journal();
    await inbox.take(inbox.partition(tp, 0), range(0, 3), 3);
    await inbox.close();
    const file = join(folder, '00000000000000000001.journal');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/"orders",0,1,/, '"orders",0,9,'));
    open = new InboxJournal(folder);
    expect(await open.open()).toEqual([expect.stringMatching(/^inbox: \d+ bytes of .* are damaged/)]);
    expect(await offsets(open)).toEqual([0, 2]);
  });

  it('belongs to one at a time', async () => {
    await journal();
    const second = new InboxJournal(folder);
    await expect(second.open()).rejects.toMatchObject({ code: 'KAFKA_DATA_DIR_LOCKED' });
    await second.close();
  });

  it('forgets what comes again when the group was moved back', async () => {
    const inbox = await journal();
    const partition = inbox.partition(tp, 0);
    await inbox.take(partition, range(0, 6), 6);
    await inbox.taken(partition, 6);
    await inbox.finish(partition, 4, 'above');
    await inbox.drop(partition, 2);
    await inbox.take(partition, range(2, 4), 4);
    expect(await offsets(inbox)).toEqual([2, 3]);
    const again = await journal();
    expect(again.get('orders', 0)).toMatchObject({ finished: 2, metadata: '', end: 4 });
    expect(await offsets(again)).toEqual([2, 3]);
  });

  it('seeks among what waits', async () => {
    const inbox = await journal();
    const partition = inbox.partition(tp, 0);
    await inbox.take(partition, range(0, 6), 6);
    await inbox.finish(partition, 2, '');
    expect(await offsets(inbox)).toEqual([2, 3, 4, 5]);
    partition.seek(4);
    expect(await offsets(inbox)).toEqual([4, 5]);
    partition.seek(0);
    expect(partition.position).toBe(2);
    expect(await offsets(inbox, 2)).toEqual([2, 3]);
    expect(partition.offsetOf(1_003)).toBe(3);
    expect(partition.offsetOf(9_999)).toBe(6);
  });
});
