import { describe, expect, it } from '@jest/globals';
import { readOffsetCheckpoint, writeOffsetCheckpoint } from '../../../src/broker/log/directory/checkpoint-file.js';
import { parsePartitionDirectory, setAsideName } from '../../../src/broker/log/directory/partition-directory.js';
import { MemoryFileSystem } from '../../../src/broker/log/disk/memory-file-system.js';
import { LeaderEpochs } from '../../../src/broker/log/leader-epochs.js';
import { logConfig } from '../../../src/broker/log/log-config.js';
import { shouldRoll } from '../../../src/broker/log/segment/roll-policy.js';
import { NOW } from './log-fixture.js';

describe('shouldRoll', () => {
  const config = logConfig({ 'segment.bytes': '1000', 'segment.ms': '500' });
  const segment = { baseOffset: 10, size: 600, firstTimestamp: NOW, createdAt: NOW, jitterMs: 0, hasFullIndex: false };
  const batch = { size: 100, maxTimestamp: NOW, lastOffset: 20 };

  it.each<[string, object, object, number, boolean]>([
    ['nothing asks for it', {}, {}, 0, false],
    ['the batch fits exactly', {}, { size: 400 }, 0, false],
    ['the batch does not fit', {}, { size: 401 }, 0, true],
    ['record time went on', {}, { maxTimestamp: NOW + 501 }, 0, true],
    ['record time went on as far as allowed', {}, { maxTimestamp: NOW + 500 }, 0, false],
    ['only the wall clock went on', {}, {}, 10_000, false],
    ['records have no time and the wall clock went on', { firstTimestamp: -1 }, {}, 501, true],
    ['jitter brings it forward', { jitterMs: 100 }, { maxTimestamp: NOW + 401 }, 0, true],
    ['an index is full', { hasFullIndex: true }, {}, 0, true],
    ['offsets span more than 31 bits', {}, { lastOffset: 10 + 2 ** 31 }, 0, true],
    ['offsets span 31 bits', {}, { lastOffset: 10 + 2 ** 31 - 1 }, 0, false],
    ['an empty segment is old and indexed', { size: 0, hasFullIndex: true }, { size: 5000 }, 10_000, false],
  ])('%s', (_why, segmentPart, batchPart, laterMs, expected) => {
    expect(shouldRoll({ ...segment, ...segmentPart }, { ...batch, ...batchPart }, config, NOW + laterMs)).toBe(
      expected,
    );
  });
});

describe('logConfig', () => {
  it('has Kafka’s defaults, then the broker’s, then the topic’s', () => {
    expect(logConfig()).toMatchObject({
      segmentBytes: 2 ** 30,
      retentionMs: 604_800_000,
      maxMessageBytes: 1_048_588,
      deletes: true,
    });
    const config = logConfig(
      { 'cleanup.policy': 'compact, delete', 'retention.ms': '7' },
      { 'retention.ms': '8', 'flush.ms': '9' },
    );
    expect(config).toMatchObject({ compacts: true, deletes: true, retentionMs: 7, flushMs: 9 });
    expect(config.flushMessages).toBe(Number.POSITIVE_INFINITY);
  });

  it('reads an empty policy as keep for ever, and caps segment.ms of compacted topics', () => {
    expect(logConfig({ 'cleanup.policy': '' })).toMatchObject({ compacts: false, deletes: false });
    expect(logConfig({ 'cleanup.policy': 'compact', 'max.compaction.lag.ms': '5' }).segmentMs).toBe(5);
  });

  it('passes over a value that is no number', () => {
    expect(logConfig({ 'segment.bytes': 'many' }, { 'segment.bytes': '5000' }).segmentBytes).toBe(5000);
    expect(logConfig({ 'segment.bytes': 'many' }).segmentBytes).toBe(2 ** 30);
  });
});

describe('LeaderEpochs', () => {
  it('leaves out epochs in which nothing was written and cuts at both ends', () => {
    const epochs = new LeaderEpochs();
    epochs.assign(0, 0);
    epochs.assign(2, 10);
    epochs.assign(3, 10);
    expect(epochs.assign(3, 12)).toBe(false);
    epochs.assign(4, 20);
    expect(epochs.starts).toEqual([
      { epoch: 0, startOffset: 0 },
      { epoch: 3, startOffset: 10 },
      { epoch: 4, startOffset: 20 },
    ]);
    expect([9, 10, 25].map((offset) => epochs.epochOf(offset))).toEqual([0, 3, 4]);
    epochs.truncateFromEnd(20);
    epochs.truncateFromStart(5);
    expect(epochs.starts).toEqual([
      { epoch: 0, startOffset: 5 },
      { epoch: 3, startOffset: 10 },
    ]);
    expect(epochs.endOffset(1, 15)).toEqual({ leaderEpoch: 0, endOffset: 10 });
  });
});

describe('names and checkpoints', () => {
  it('reads partition directories, whatever the topic is called', () => {
    expect(parsePartitionDirectory('a-b.c-12')).toEqual({ topic: 'a-b.c', partition: 12 });
    for (const other of [
      'orders',
      'orders-x',
      '.lock',
      `orders-0.${'a'.repeat(32)}-delete`,
      'recovery-point-offset-checkpoint',
    ]) {
      expect(parsePartitionDirectory(other)).toBeUndefined();
    }
    const long = setAsideName({ topic: 't'.repeat(249), partition: 7 }, 'a'.repeat(32), 'delete');
    expect(long).toHaveLength(255);
    expect(parsePartitionDirectory(long)).toBeUndefined();
  });

  it('reads what a checkpoint says beyond zeros, and refuses one that is not whole', () => {
    const fs = new MemoryFileSystem();
    const never = { topic: 'never-written', partition: 0 };
    writeOffsetCheckpoint(fs, '/c', [
      [{ topic: 'a', partition: 1 }, 5],
      [never, 0],
    ]);
    expect([...readOffsetCheckpoint(fs, '/c').entries()]).toEqual([[{ topic: 'a', partition: 1 }, 5]]);
    fs.writeFileAtomic('/c', '0\n2\na 1 5\n');
    expect(() => readOffsetCheckpoint(fs, '/c')).toThrow('/c');
  });
});
