import { afterEach, describe, expect, it } from '@jest/globals';
import { Broker, type BrokerOptions } from '../../src/broker/broker.js';
import { type FileFault, type FileOperation, MemoryFileSystem } from '../../src/broker/log/disk/memory-file-system.js';
import { ErrorCode } from '../../src/protocol/error-codes.js';
import { DeleteRecords, DescribeLogDirs, OffsetCommit, OffsetFetch } from '../../src/protocol/messages/index.js';
import { BrokerFixture, batchOf } from '../support/broker-fixture.js';

// What clients are told when the disk is full or does not answer, and what is left of their data afterwards.

const cleanUp: Array<() => unknown> = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

interface Disk {
  readonly fileSystem: MemoryFileSystem;
  readonly said: string[];
  readonly start: (options?: BrokerOptions) => Promise<BrokerFixture>;
}

function newDisk(): Disk {
  const fileSystem = new MemoryFileSystem();
  const said: string[] = [];
  const note = (message: string) => void said.push(message);
  const logger = { log: note, warn: note, error: note };
  const start = async (options: BrokerOptions = {}): Promise<BrokerFixture> => {
    const config = { 'offsets.topic.num.partitions': '1', ...options.config };
    const fixture = await BrokerFixture.start({ fileSystem, bootId: 'boot', logger, ...options, config });
    cleanUp.push(() => fixture.stop().catch(() => undefined));
    return fixture;
  };
  return { fileSystem, said, start };
}

const failing =
  (code: string, operations: readonly FileOperation[], path = /./) =>
  (operation: FileOperation, name: string): FileFault | undefined =>
    operations.includes(operation) && path.test(name) ? { code, afterBytes: 20 } : undefined;

const commit = (fixture: BrokerFixture, offset: number) =>
  fixture.client.send(OffsetCommit, 8, {
    groupId: 'g',
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }] }],
  });

const committed = async (fixture: BrokerFixture) => {
  const answer = await fixture.client.send(OffsetFetch, 7, {
    groupId: 'g',
    topics: [{ name: 't', partitionIndexes: [0] }],
  });
  return answer.topics[0]!.partitions[0]!.committedOffset;
};

const values = async (fixture: BrokerFixture, topic = 't') =>
  (await fixture.read(topic, 0)).records?.toString('latin1').match(/v\d/g) ?? [];

describe('a full disk', () => {
  it('refuses what cannot be stored, goes on reading, and takes more once there is room', async () => {
    const { fileSystem, said, start } = newDisk();
    const fixture = await start();
    await fixture.createTopic('t');
    expect((await fixture.appendValues('t', ['v1'])).errorCode).toBe(0);
    expect((await commit(fixture, 1)).topics[0]!.partitions[0]!.errorCode).toBe(0);
    fileSystem.onOperation = failing('ENOSPC', ['open', 'write', 'atomic']);
    for (let i = 0; i < 3; i++) {
      expect((await fixture.appendValues('t', ['v9'])).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    }
    expect((await commit(fixture, 7)).topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    await expect(fixture.createTopic('u')).rejects.toThrow(/topic u/);
    expect(await values(fixture)).toEqual(['v1']);
    expect(await committed(fixture)).toBe(1);
    expect(said.filter((line) => /t-0 .*ENOSPC.*free disk space/.test(line))).toHaveLength(1);
    fileSystem.onOperation = undefined;
    expect(await fixture.appendValues('t', ['v2'])).toMatchObject({ errorCode: 0, baseOffset: 1 });
    expect((await commit(fixture, 2)).topics[0]!.partitions[0]!.errorCode).toBe(0);
    await fixture.createTopic('u');
    await fixture.stop();
    const again = await start();
    expect(await values(again)).toEqual(['v1', 'v2']);
    expect(await committed(again)).toBe(2);
  });

  it('lets the broker be killed at that moment without losing what was acknowledged', async () => {
    const { fileSystem, start } = newDisk();
    const fixture = await start();
    await fixture.createTopic('t');
    await fixture.appendValues('t', ['v1']);
    fileSystem.onOperation = failing('ENOSPC', ['open', 'write', 'atomic', 'truncate']); // not even the rest can be cut off
    expect((await fixture.appendValues('t', ['v9'])).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    fileSystem.onOperation = undefined;
    // Nothing is written behind a torn batch.
    expect((await fixture.appendValues('t', ['v9'])).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    fileSystem.crash();
    await fixture.stop().catch(() => undefined);
    const again = await start();
    expect(await values(again)).toEqual(['v1']);
    expect((await again.appendValues('t', ['v2'])).errorCode).toBe(0);
  });
});

describe('a disk that fails', () => {
  it('takes one partition out of service for writing; the others and its readers go on', async () => {
    const { fileSystem, said, start } = newDisk();
    const fixture = await start();
    await fixture.createTopic('t');
    await fixture.createTopic('u');
    await fixture.appendValues('t', ['v1']);
    fileSystem.onOperation = failing('EIO', ['write'], /\/t-0\//);
    expect((await fixture.appendValues('t', ['v9'])).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    fileSystem.onOperation = undefined;
    expect((await fixture.appendValues('t', ['v9'])).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect((await fixture.appendValues('u', ['v2'])).errorCode).toBe(0);
    expect(await values(fixture)).toEqual(['v1']);
    expect(said.filter((line) => /t-0 .*EIO.*check the disk and restart/.test(line))).toHaveLength(1);
    await expect(fixture.stop()).rejects.toMatchObject({ code: 'KAFKA_STORAGE_FAILED' });
    const again = await start();
    expect(await values(again)).toEqual(['v1']);
    expect(await again.appendValues('t', ['v2'])).toMatchObject({ errorCode: 0, baseOffset: 1 });
  });

  it('answers 56 for a segment that cannot be read, and serves everything else', async () => {
    const { fileSystem, said, start } = newDisk();
    const first = await start();
    await first.createTopic('t', 1, { 'segment.bytes': '1048576' });
    await first.createTopic('u');
    for (let i = 0; i < 3; i++) await first.append('t', batchOf([`v${i}${'x'.repeat(600_000)}`]));
    await first.appendValues('u', ['v5']);
    await first.stop();
    const oldest = [...fileSystem.list('/nestdaw/t-0')].filter((name) => name.endsWith('.log')).sort()[0]!;
    const path = `/nestdaw/t-0/${oldest}`;
    const open = fileSystem.open.bind(fileSystem);
    const fixture = await start();
    fileSystem.open = (name, options) => {
      if (name === path) throw Object.assign(new Error(`EIO: i/o error, open '${name}'`), { code: 'EIO' });
      return open(name, options);
    };
    expect((await fixture.read('t', 0)).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect((await fixture.offset('t', 1)).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect((await fixture.read('t', 2)).errorCode).toBe(0);
    expect((await fixture.offset('t', -1)).offset).toBe(3);
    expect(await values(fixture, 'u')).toEqual(['v5']);
    expect((await fixture.append('t', batchOf(['v6']))).errorCode).toBe(0);
    const dirs = await fixture.client.send(DescribeLogDirs, 4, { topics: null });
    expect(dirs.results[0]!.topics.map(({ name }) => name)).toEqual(expect.arrayContaining(['t', 'u']));
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, offset: 1 }] }];
    const deleted = await fixture.client.send(DeleteRecords, 2, { topics, timeoutMs: 1000 });
    expect(deleted.topics[0]!.partitions[0]).toMatchObject({ errorCode: 0, lowWatermark: 1 });
    expect(said.some((line) => line.includes('t-0 could not be read') && line.includes('EIO'))).toBe(true);
  });
});

describe('a directory that this version cannot read', () => {
  it.each<[string, (fileSystem: MemoryFileSystem) => void, RegExp]>([
    [
      'a newer meta.properties',
      (fs) => {
        const meta = fs.readFile('/nestdaw/meta.properties').toString();
        fs.writeFileAtomic('/nestdaw/meta.properties', meta.replace('version=1', 'version=2'));
      },
      /version 2.*choose another data directory/,
    ],
    [
      'a newer checkpoint',
      (fs) => fs.writeFileAtomic('/nestdaw/recovery-point-offset-checkpoint', '1\n0\n'),
      /recovery-point-offset-checkpoint is not a checkpoint of version 0/,
    ],
    [
      'batches of a newer format',
      (fs) => fs.open('/nestdaw/t-0/00000000000000000000.log').write([Buffer.from([3])], 16),
      /t-0.*batches of format 3.*newer/,
    ],
    [
      'batches of an old format',
      (fs) => fs.open('/nestdaw/t-0/00000000000000000000.log').write([Buffer.from([1])], 16),
      /t-0.*batches of format 1/,
    ],
  ])('is refused by name and left as it is: %s', async (_, change, message) => {
    const { fileSystem, start } = newDisk();
    const fixture = await start();
    await fixture.createTopic('t');
    await fixture.appendValues('t', ['v1']);
    await fixture.stop();
    change(fileSystem);
    const log = fileSystem.readFile('/nestdaw/t-0/00000000000000000000.log');
    for (let i = 0; i < 2; i++) {
      const refused = Broker.start({ port: 0, fileSystem, bootId: 'boot' });
      await expect(refused).rejects.toMatchObject({
        code: 'KAFKA_DATA_DIR_INVALID',
        message: expect.stringMatching(message),
      });
    }
    expect(fileSystem.readFile('/nestdaw/t-0/00000000000000000000.log')).toEqual(log);
  });
});
