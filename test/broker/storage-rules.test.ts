import assert from 'node:assert/strict';
import { afterEach, describe, expect, it } from '@jest/globals';
import { MemoryFileSystem } from '../../src/broker/log/disk/memory-file-system.js';
import { ErrorCode } from '../../src/protocol/error-codes.js';
import { IncrementalAlterConfigs } from '../../src/protocol/messages/index.js';
import { encodeRecords, recordsOf } from '../../src/protocol/record-batch.js';
import { batchSize, compressionOf, recordCount } from '../../src/protocol/record-batch-header.js';
import { BrokerFixture, batchOf as stamped } from '../support/broker-fixture.js';
import { ManualClock } from '../support/manual-clock.js';

// A topic's rules of storage, set and changed by clients, as they act on its files.

const DAY = 86_400_000;
const MIB = 1_048_576;
const cleanUp: Array<() => unknown> = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** As of the time at which the clock of these tests starts. */
const batchOf = (values: readonly string[], options: Parameters<typeof stamped>[1] = {}) =>
  stamped(values, { timestamp: 1_700_000_000_000, ...options });

class Rules {
  readonly clock = new ManualClock();
  readonly files = new MemoryFileSystem({ clock: this.clock });
  fixture!: BrokerFixture;

  static async start(): Promise<Rules> {
    const rules = new Rules();
    const { clock, files: fileSystem } = rules;
    rules.fixture = await BrokerFixture.start({ clock, fileSystem });
    cleanUp.push(() => rules.fixture.stop());
    return rules;
  }

  /** Appends a batch of so many bytes. */
  async fill(topic: string, bytes: number, key: string | null = null): Promise<number> {
    const value = Buffer.alloc(bytes - 100);
    const record = { key: key === null ? null : Buffer.from(key), value };
    const answer = await this.fixture.append(topic, encodeRecords([record], { timestamp: this.clock.now() }));
    assert.equal(answer.errorCode, 0);
    return answer.baseOffset;
  }

  async set(topic: string, name: string, value: string): Promise<void> {
    const configs = [{ name, configOperation: 0, value }];
    const resources = [{ resourceType: 2, resourceName: topic, configs }];
    const { responses } = await this.fixture.client.send(IncrementalAlterConfigs, 1, {
      resources,
      validateOnly: false,
    });
    assert.equal(responses[0]!.errorCode, 0);
  }

  segments(topic: string): Array<readonly [base: number, bytes: number]> {
    const directory = `/nestdaw/${topic}-0`;
    const names = this.files.list(directory).filter((name) => name.endsWith('.log'));
    return names.sort().map((name) => [Number.parseInt(name, 10), this.files.readFile(`${directory}/${name}`).length]);
  }

  start(topic: string): Promise<number> {
    return this.fixture.offset(topic, -2).then(({ offset }) => offset);
  }

  /** Codec and number of records of every batch. */
  async batches(topic: string): Promise<Array<readonly [codec: number, records: number]>> {
    const records = (await this.fixture.read(topic, 0)).records!;
    const found: Array<readonly [number, number]> = [];
    for (let at = 0; at < records.length; at += batchSize(records, at)) {
      assert.equal([...recordsOf(records, at)].length, recordCount(records, at));
      found.push([compressionOf(records, at), recordCount(records, at)]);
    }
    return found;
  }
}

describe('rules of storage', () => {
  it('close a segment before segment.bytes, which a change moves at the next append', async () => {
    const rules = await Rules.start();
    await rules.fixture.createTopic('t', 1, { 'segment.bytes': String(2 * MIB) });
    for (let i = 0; i < 8; i++) await rules.fill('t', 500_000);
    expect(rules.segments('t').map(([base]) => base)).toEqual([0, 4]);
    await rules.set('t', 'segment.bytes', String(MIB));
    for (let i = 0; i < 4; i++) await rules.fill('t', 500_000);
    expect(rules.segments('t').map(([base]) => base)).toEqual([0, 4, 8, 10]);
    expect(rules.segments('t').every(([, bytes]) => bytes <= 2 * MIB)).toBe(true);
  });

  it('close a segment after segment.ms, with an append and not without', async () => {
    const rules = await Rules.start();
    await rules.fixture.createTopic('t', 1, { 'retention.ms': '-1' });
    await rules.fill('t', 1000);
    await rules.clock.leap(7 * DAY + 1);
    expect(rules.segments('t')).toHaveLength(1);
    await rules.fill('t', 1000);
    expect(rules.segments('t').map(([base]) => base)).toEqual([0, 1]);
  });

  it('delete by age and by size, as of the next check after a change', async () => {
    const rules = await Rules.start();
    await rules.fixture.createTopic('t', 1, { 'segment.bytes': String(MIB), 'file.delete.delay.ms': '1000' });
    for (let i = 0; i < 10; i++) await rules.fill('t', 900_000);
    await rules.clock.leap(DAY);
    expect(await rules.start('t')).toBe(0);
    await rules.set('t', 'retention.bytes', String(3 * MIB));
    await rules.clock.advance(310_000);
    expect(await rules.start('t')).toBe(6); // what is left is at most the limit and one segment
    for (let i = 0; i < 2; i++) await rules.fill('t', 900_000);
    await rules.set('t', 'retention.ms', String(DAY / 2));
    await rules.clock.advance(310_000);
    expect(await rules.start('t')).toBe(10);
    expect(rules.segments('t').map(([base]) => base)).toEqual([10, 11]);
  });

  it('compact as soon as the policy says so', async () => {
    const rules = await Rules.start();
    await rules.fixture.createTopic('t', 1, { 'segment.bytes': String(MIB), 'file.delete.delay.ms': '0' });
    for (let i = 0; i < 9; i++) await rules.fill('t', 500_000, `key-${i % 2}`);
    await rules.clock.advance(60_000);
    expect(rules.segments('t').reduce((sum, [, bytes]) => sum + bytes, 0)).toBeGreaterThan(4_000_000);
    await rules.set('t', 'cleanup.policy', 'compact');
    await rules.clock.advance(60_000);
    expect(rules.segments('t').reduce((sum, [, bytes]) => sum + bytes, 0)).toBeLessThan(1_600_000);
    expect(await rules.start('t')).toBe(0);
    // Without a key there is nothing to compact by.
    expect((await rules.fixture.append('t', batchOf(['keyless']))).errorCode).toBe(ErrorCode.INVALID_RECORD);
  });

  it('store in the codec of the topic', async () => {
    const rules = await Rules.start();
    await rules.fixture.createTopic('t', 1, { 'compression.type': 'zstd' });
    const values = ['a', 'b', 'c'].map((letter) => letter.repeat(500));
    await rules.fixture.append('t', batchOf(values, { compression: 'gzip' }));
    await rules.fixture.append('t', batchOf(values));
    await rules.set('t', 'compression.type', 'producer');
    await rules.fixture.append('t', batchOf(values, { compression: 'gzip' }));
    await rules.set('t', 'compression.type', 'uncompressed');
    await rules.fixture.append('t', batchOf(values, { compression: 'gzip' }));
    const codecs = [4, 4, 1, 0];
    expect(await rules.batches('t')).toEqual(codecs.map((codec) => [codec, 3]));
  });

  it('refuse a batch that is too large by error 10, take its neighbours, and take it once the limit is raised', async () => {
    const rules = await Rules.start();
    await rules.fixture.createTopic('t', 1, { 'max.message.bytes': '512' });
    const large = () => batchOf(['x'.repeat(1000)]);
    expect((await rules.fixture.append('t', batchOf(['small']))).errorCode).toBe(0);
    const refused = await rules.fixture.append('t', large());
    expect(refused.errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    expect(refused.errorMessage).toMatch(/max\.message\.bytes=512/);
    expect((await rules.fixture.append('t', batchOf(['small']))).baseOffset).toBe(1);
    await rules.set('t', 'max.message.bytes', '5000');
    expect((await rules.fixture.append('t', large())).baseOffset).toBe(2);
  });

  it('stamp the broker’s time, or refuse times outside of the window by error 32', async () => {
    const rules = await Rules.start();
    await rules.fixture.createTopic('t', 1, { 'message.timestamp.type': 'LogAppendTime' });
    await rules.fixture.append('t', batchOf(['old'], { timestamp: 1000 }));
    const [record] = [...recordsOf((await rules.fixture.read('t', 0)).records!)];
    expect(record!.timestamp).toBe(rules.clock.now());
    await rules.set('t', 'message.timestamp.type', 'CreateTime');
    const late = batchOf(['late'], { timestamp: rules.clock.now() + 3_600_001 });
    expect((await rules.fixture.append('t', late)).errorCode).toBe(ErrorCode.INVALID_TIMESTAMP);
  });
});
