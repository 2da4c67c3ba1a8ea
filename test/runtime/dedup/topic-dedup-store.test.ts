import { beforeEach, describe, expect, it } from '@jest/globals';
import { type KafkaRecord, NO_HEADERS, type OutgoingRecord } from '../../../src/common/record.js';
import { type TopicPartition } from '../../../src/common/topic-partition.js';
import { type DedupWindow, type IdGroup } from '../../../src/runtime/dedup/dedup-store.js';
import { type IdJournal, TopicDedupStore } from '../../../src/runtime/dedup/topic-dedup-store.js';
import { ManualClock } from '../../support/manual-clock.js';

/** A topic that is compacted whenever it is read; down when told to be. */
class MemoryJournal implements IdJournal {
  readonly records: KafkaRecord[] = [];
  isDown = false;
  /** Refuses marks of forgetting alone. */
  refusesMarks = false;
  /** Called with each mark before it is written. */
  onMark: () => Promise<void> | void = () => undefined;

  async append({ partition }: TopicPartition, { key, value }: OutgoingRecord): Promise<void> {
    if (value === null) await this.onMark();
    if (this.isDown || (this.refusesMarks && value === null)) throw new Error('no broker');
    const bytes = { key: key as Buffer, value: value as Buffer | null, headers: NO_HEADERS };
    this.records.push({ topic: 'ids', partition, offset: this.records.length, timestamp: 0, ...bytes });
  }

  async read(of: readonly TopicPartition[], visit: (record: KafkaRecord) => void): Promise<void> {
    const wanted = new Set(of.map(({ partition }) => partition));
    for (const record of this.records) if (wanted.has(record.partition)) visit(record);
  }

  get known(): string[] {
    const last = new Map(this.records.map(({ key, value }) => [key!.toString().split('\0')[1]!, value]));
    return [...last].flatMap(([id, value]) => (value === null ? [] : [id])).sort();
  }
}

const ME = { owner: 'me', leaseMs: 1_000 };
const PLACE = { topic: 'orders', partition: 0 };
const group = (...ids: string[]): IdGroup => ({ scope: 'billing', ...PLACE, ids });

describe('ids in a compacted topic', () => {
  let journal: MemoryJournal;
  let clock: ManualClock;
  let store: TopicDedupStore;
  let window: DedupWindow;

  const open = (given: DedupWindow): void => {
    window = given;
    store = new TopicDedupStore(journal, window, clock);
  };
  /** The next owner. */
  const reopen = async (): Promise<void> => {
    open(window);
    await store.restore([PLACE]);
  };
  const finish = async (...ids: string[]): Promise<void> => {
    store.claim([group(...ids)], ME);
    await store.finish([group(...ids)], ME, window);
  };
  /** Those that nobody knows; claims are given back. */
  const newOf = (...ids: string[]): string[] => {
    const answers = store.claim([group(...ids)], ME);
    const fresh = ids.filter((_, at) => answers[at] === 'first');
    store.release([group(...fresh)], ME);
    return fresh;
  };

  beforeEach(() => {
    journal = new MemoryJournal();
    clock = new ManualClock();
  });

  it('are known to the next owner, as many as the count says', async () => {
    open({ count: 3, timeMs: undefined });
    await finish('a', 'b');
    await finish('c', 'd');
    expect(newOf('a', 'b', 'c', 'd')).toEqual(['a']);
    await reopen();
    expect(newOf('a', 'b', 'c', 'd')).toEqual(['a']);
    expect(journal.known).toEqual(['b', 'c', 'd']);
  });

  it('are known for the time that the window says', async () => {
    open({ count: undefined, timeMs: 1_000 });
    await finish('a');
    await clock.advance(999);
    await finish('b');
    expect(newOf('a', 'b')).toEqual([]);
    await clock.advance(1);
    await finish('c');
    expect(newOf('a', 'b', 'c')).toEqual(['a']);
    expect(journal.known).toEqual(['b', 'c']);
  });

  it('are known for as long as count or time says', async () => {
    open({ count: 2, timeMs: 1_000 });
    await finish('a', 'b', 'c');
    expect(newOf('a', 'b', 'c')).toEqual([]);
    await clock.advance(1_000);
    await finish('d');
    expect(newOf('a', 'b', 'c', 'd')).toEqual(['a', 'b']);
  });

  it('are not finished while the topic cannot be written, and the next owner does not know them', async () => {
    open({ count: 3, timeMs: undefined });
    journal.isDown = true;
    await expect(finish('a')).rejects.toThrow('no broker');
    expect(store.claim([group('a')], ME)).toEqual(['first']);
    journal.isDown = false;
    await finish('a');
    await reopen();
    expect(newOf('a')).toEqual([]);
  });

  it('leave the topic in the end, though it could not be written when the window forgot them', async () => {
    open({ count: 1, timeMs: undefined });
    await finish('a');
    journal.refusesMarks = true;
    await expect(finish('b')).rejects.toThrow('no broker');
    journal.refusesMarks = false;
    expect(journal.known).toEqual(['a', 'b']);
    await finish('c');
    expect(journal.known).toEqual(['c']);
  });

  it('leave the topic with the next owner, when the one before died in between', async () => {
    open({ count: 1, timeMs: undefined });
    await finish('a');
    journal.refusesMarks = true;
    await expect(finish('b')).rejects.toThrow('no broker');
    journal.refusesMarks = false;
    await reopen();
    expect(newOf('a', 'b')).toEqual(['a']);
    await finish('c');
    expect(journal.known).toEqual(['c']);
  });

  it('stay known when they come again before the topic has heard that they were forgotten', async () => {
    open({ count: 1, timeMs: undefined });
    await finish('a');
    journal.refusesMarks = true;
    await expect(finish('b')).rejects.toThrow('no broker');
    journal.refusesMarks = false;
    await finish('a');
    await reopen();
    expect(newOf('a', 'b')).toEqual(['b']);
  });

  it('stay known when they come again while the topic is refusing to forget them', async () => {
    open({ count: 2, timeMs: undefined });
    await finish('a', 'x');
    let refuse!: (error: Error) => void;
    const isMarked = new Promise<void>((marked) => {
      journal.onMark = () => {
        journal.onMark = () => undefined;
        marked();
        return new Promise((_, reject) => (refuse = reject));
      };
    });
    const refused = finish('b');
    await isMarked;
    await finish('a');
    refuse(new Error('no broker'));
    await expect(refused).rejects.toThrow('no broker');
    await finish('d');
    expect(journal.known).toEqual(['a', 'd']);
  });
});
