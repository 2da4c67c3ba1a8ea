import { afterEach, describe, expect, it } from '@jest/globals';
import { type BrokerOptions } from '../../src/broker/broker.js';
import { type FileFault, type FileOperation, MemoryFileSystem } from '../../src/broker/log/disk/memory-file-system.js';
import { ErrorCode } from '../../src/protocol/error-codes.js';
import {
  AlterReplicaLogDirs,
  DeleteRecords,
  DescribeLogDirs,
  DescribeProducers,
  DescribeTopicPartitions,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  OffsetForLeaderEpoch,
} from '../../src/protocol/messages/index.js';
import { BrokerFixture, batchOf } from '../support/broker-fixture.js';

// `log.dirs` with several directories: where partitions go, what is told when one of the disks fails, and how a
// partition is taken from one to another.

const cleanUp: Array<() => unknown> = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

const DIRECTORIES = ['/disk-a', '/disk-b'];

class Machine {
  readonly fileSystem = new MemoryFileSystem({ trackDurability: true });
  readonly said: string[] = [];

  async start(config: Record<string, string> = {}, options: BrokerOptions = {}): Promise<BrokerFixture> {
    const note = (message: string) => void this.said.push(message);
    const logger = { log: note, warn: note, error: note };
    const all = { 'log.dirs': DIRECTORIES.join(','), 'offsets.topic.num.partitions': '2', ...config };
    const { fileSystem } = this;
    const fixture = await BrokerFixture.start({ fileSystem, bootId: 'boot', logger, ...options, config: all });
    cleanUp.push(() => fixture.stop().catch(() => undefined));
    return fixture;
  }

  text(path: string): string {
    return this.fileSystem.readFile(path).toString();
  }

  /** The disk under this directory refuses every change from now on. */
  breakDisk(path: string, code = 'EROFS'): void {
    const operations: FileOperation[] = ['open', 'write', 'atomic', 'rename', 'remove', 'truncate', 'sync'];
    this.fileSystem.onOperation = (operation, name): FileFault | undefined =>
      operations.includes(operation) && name.startsWith(`${path}/`) ? { code } : undefined;
  }

  mend(): void {
    this.fileSystem.onOperation = undefined;
  }

  partitionsIn(path: string): string[] {
    return this.fileSystem
      .list(path)
      .filter((name) => /^t-\d+$/.test(name))
      .sort();
  }
}

const appendTo = async (fixture: BrokerFixture, partition: number, value = 'v1') =>
  (await fixture.appendValues('t', [value], { partition })).errorCode;

const valuesOf = async (fixture: BrokerFixture, partition: number) =>
  (await fixture.read('t', 0, {}, partition)).records?.toString('latin1').match(/v\d+/g) ?? [];

async function logDirs(fixture: BrokerFixture) {
  const { results } = await fixture.client.send(DescribeLogDirs, 4, { topics: null });
  return results.map(({ errorCode, logDir, topics, totalBytes }) => ({
    errorCode,
    logDir,
    isKnown: Number(totalBytes) >= 0,
    partitions: topics
      .filter(({ name }) => name === 't')
      .flatMap(({ partitions }) => partitions.map(({ partitionIndex, isFutureKey }) => [partitionIndex, isFutureKey]))
      .sort(([a], [b]) => Number(a) - Number(b)),
  }));
}

const move = async (fixture: BrokerFixture, path: string, partitions: number[], name = 't') => {
  const { results } = await fixture.client.send(AlterReplicaLogDirs, 2, {
    dirs: [{ path, topics: [{ name, partitions }] }],
  });
  return results[0]!.partitions.map(({ errorCode }) => errorCode);
};

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

/** A directory in service that holds these partitions of the topic. */
const served = (logDir: string, ...partitions: number[]) => ({
  errorCode: 0,
  logDir,
  isKnown: true,
  partitions: partitions.map((partition) => [partition, false]),
});

describe('several directories', () => {
  it('share new partitions evenly, each with the files of a directory of its own', async () => {
    const machine = new Machine();
    const fixture = await machine.start();
    await fixture.createTopic('t', 4);
    expect(DIRECTORIES.map((path) => machine.partitionsIn(path))).toEqual([
      ['t-0', 't-2'],
      ['t-1', 't-3'],
    ]);
    for (let partition = 0; partition < 4; partition++) expect(await appendTo(fixture, partition)).toBe(0);
    expect(await logDirs(fixture)).toEqual([served('/disk-a', 0, 2), served('/disk-b', 1, 3)]);
    await fixture.stop();
    const [a, b] = DIRECTORIES.map((path) => machine.text(`${path}/meta.properties`));
    const without = (text: string) => text.replace(/directory\.id=.*/, '');
    expect(without(a!)).toBe(without(b!));
    expect(a).not.toBe(b);
    expect(machine.text('/disk-a/recovery-point-offset-checkpoint')).toBe('0\n2\nt 0 1\nt 2 1\n');
    expect(machine.text('/disk-b/recovery-point-offset-checkpoint')).toBe('0\n2\nt 1 1\nt 3 1\n');
    expect(machine.text('/disk-a/.kafka_cleanshutdown')).toBe(machine.text('/disk-b/.kafka_cleanshutdown'));
    const again = await machine.start();
    for (let partition = 0; partition < 4; partition++) expect(await valuesOf(again, partition)).toEqual(['v1']);
    expect(again.broker.health()).toEqual({ status: 'up', problems: [] });
  });

  it('may be one first: another joins its cluster and takes what is new', async () => {
    const machine = new Machine();
    const first = await machine.start({ 'log.dirs': '/disk-a' });
    await first.createTopic('t', 3);
    await appendTo(first, 2);
    await first.stop();
    const second = await machine.start();
    expect(second.broker.clusterId).toBe(first.broker.clusterId);
    await second.createTopic('u', 2);
    expect(machine.fileSystem.list('/disk-b').filter((name) => name.startsWith('u-'))).toEqual(['u-0', 'u-1']);
    expect(await valuesOf(second, 2)).toEqual(['v1']);
    await second.stop();
    // Without the second disk nobody may make its partitions anew.
    await expect(machine.start({ 'log.dirs': '/disk-a' })).rejects.toMatchObject({
      code: 'KAFKA_DATA_DIR_INVALID',
      message: expect.stringMatching(/u-0 lies in the directory with directory\.id .* log\.dirs does not name/),
    });
  });

  it('are refused when two are the same, copies of each other, or of different clusters', async () => {
    const machine = new Machine();
    await expect(machine.start({ 'log.dirs': '/disk-a,/disk-b,/disk-a' })).rejects.toMatchObject({
      code: 'KAFKA_CONFIG_INVALID',
      message: expect.stringContaining("'log.dirs' names /disk-a twice"),
    });
    await (await machine.start({ 'log.dirs': '/disk-a' })).stop();
    const meta = machine.text('/disk-a/meta.properties');
    machine.fileSystem.makeDirectory('/disk-b');
    machine.fileSystem.writeFileAtomic('/disk-b/meta.properties', meta);
    await expect(machine.start()).rejects.toMatchObject({
      code: 'KAFKA_DATA_DIR_INVALID',
      message: expect.stringMatching(/\/disk-a and \/disk-b have the same directory\.id/),
    });
    machine.fileSystem.writeFileAtomic('/disk-b/meta.properties', meta.replace(/cluster\.id=.*/, 'cluster.id=theirs'));
    await expect(machine.start()).rejects.toMatchObject({ code: 'KAFKA_DATA_DIR_INVALID' });
  });
});

describe('a directory whose disk becomes read-only', () => {
  it('has its partitions answer 56 to everything, and the others go on', async () => {
    const machine = new Machine();
    const fixture = await machine.start();
    await fixture.createTopic('t', 4);
    for (let partition = 0; partition < 4; partition++) await appendTo(fixture, partition);
    machine.breakDisk('/disk-b');
    expect(await appendTo(fixture, 1)).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    // The neighbour on that disk did nothing wrong.
    const { client } = fixture;
    expect(await appendTo(fixture, 3)).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect((await fixture.read('t', 0, { maxWaitMs: 60_000 }, 3)).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect((await fixture.offset('t', -1, 3)).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    const epochs = { topics: [{ topic: 't', partitions: [{ partition: 3, currentLeaderEpoch: -1, leaderEpoch: 0 }] }] };
    const end = (await client.send(OffsetForLeaderEpoch, 4, { replicaId: -1, ...epochs })).topics[0]!.partitions[0]!;
    expect(end.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    const before = { topics: [{ name: 't', partitions: [{ partitionIndex: 3, offset: -1 }] }] };
    const deleted = await client.send(DeleteRecords, 2, { timeoutMs: 1000, ...before });
    expect(deleted.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    const producers = await client.send(DescribeProducers, 0, { topics: [{ name: 't', partitionIndexes: [3] }] });
    expect(producers.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    for (const partition of [0, 2]) {
      expect(await appendTo(fixture, partition, 'v2')).toBe(0);
      expect(await valuesOf(fixture, partition)).toEqual(['v1', 'v2']);
    }
    expect(fixture.broker.health()).toMatchObject({
      status: 'degraded',
      problems: [{ kind: 'directory', partition: undefined, reason: expect.stringMatching(/^\/disk-b .*EROFS/) }],
    });
    expect(machine.said.filter((line) => line.startsWith('/disk-b is out of service'))).toHaveLength(1);
    expect(await logDirs(fixture)).toEqual([
      served('/disk-a', 0, 2),
      { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logDir: '/disk-b', isKnown: false, partitions: [] },
    ]);
  });

  it('is named in metadata, gets no new partitions, and gives everything back after it was mended', async () => {
    const machine = new Machine();
    const fixture = await machine.start();
    await fixture.createTopic('t', 2);
    await appendTo(fixture, 1);
    machine.breakDisk('/disk-b', 'EIO');
    expect(await appendTo(fixture, 1, 'v9')).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    const { topics } = await fixture.client.send(Metadata, 9, { topics: [{ name: 't' }] });
    expect(topics[0]!.partitions.map(({ offlineReplicas, leaderId }) => [offlineReplicas, leaderId])).toEqual([
      [[], 1],
      [[1], 1],
    ]);
    const described = await fixture.client.send(DescribeTopicPartitions, 0, {
      topics: [{ name: 't' }],
      responsePartitionLimit: 10,
      cursor: null,
    });
    expect(described.topics[0]!.partitions.map(({ offlineReplicas }) => offlineReplicas)).toEqual([[], [1]]);
    await fixture.createTopic('u', 3);
    expect((await fixture.appendValues('u', ['v1'], { partition: 2 })).errorCode).toBe(0);
    await fixture.stop();
    machine.mend();
    const again = await machine.start();
    expect(await valuesOf(again, 1)).toEqual(['v1']);
    expect(await appendTo(again, 1, 'v2')).toBe(0);
    expect(again.broker.health().status).toBe('up');
  });

  it('is found out at the start, and what lies there is neither made anew nor forgotten', async () => {
    const machine = new Machine();
    const first = await machine.start();
    await first.createTopic('t', 2);
    await appendTo(first, 0);
    await appendTo(first, 1);
    await first.stop();
    machine.fileSystem.remove('/disk-b/.lock');
    machine.breakDisk('/disk-b');
    const second = await machine.start();
    expect(second.broker.health().problems).toMatchObject([{ kind: 'directory' }]);
    expect(await valuesOf(second, 0)).toEqual(['v1']);
    expect((await second.read('t', 0, {}, 1)).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(await appendTo(second, 1)).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    await second.stop();
    machine.mend();
    const third = await machine.start();
    expect(await valuesOf(third, 1)).toEqual(['v1']);
    expect(await third.offset('t', -1, 1)).toMatchObject({ errorCode: 0, offset: 1 });
  });

  it('keeps the groups of its offsets partitions: they are not told that they have no offsets', async () => {
    const machine = new Machine();
    const first = await machine.start();
    await first.createTopic('t', 1);
    const commit = (fixture: BrokerFixture, groupId: string) =>
      fixture.client.send(OffsetCommit, 8, {
        groupId,
        generationIdOrMemberEpoch: -1,
        memberId: '',
        topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 7, committedMetadata: '' }] }],
      });
    const fetched = async (fixture: BrokerFixture, groupId: string) => {
      const answer = await fixture.client.send(OffsetFetch, 7, {
        groupId,
        topics: [{ name: 't', partitionIndexes: [0] }],
      });
      return [answer.errorCode, answer.topics[0]?.partitions[0]?.committedOffset];
    };
    const groups = ['g', 'h', 'i', 'j'];
    for (const group of groups) await commit(first, group);
    await first.stop();
    machine.fileSystem.remove('/disk-b/.lock');
    machine.breakDisk('/disk-b');
    const second = await machine.start();
    const answers = await Promise.all(groups.map((group) => fetched(second, group)));
    expect(answers).toContainEqual([0, 7]);
    expect(
      answers.filter(([errorCode]) => errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS).length,
    ).toBeGreaterThan(0);
    for (const [errorCode, offset] of answers) expect(errorCode === 0 ? offset : 7).toBe(7);
  });

  it('does not start where the metadata log may lie on it', async () => {
    const machine = new Machine();
    await (await machine.start()).stop();
    machine.fileSystem.remove('/disk-a/.lock');
    machine.breakDisk('/disk-a');
    await expect(machine.start()).rejects.toMatchObject({
      code: 'KAFKA_STORAGE_FAILED',
      message: expect.stringContaining('/disk-a'),
    });
  });
});

describe('a partition that is moved to another directory', () => {
  it('is copied while it goes on, and lies there after a start as well', async () => {
    const machine = new Machine();
    const fixture = await machine.start({ 'log.segment.bytes': '1048576' });
    await fixture.createTopic('t', 2, { 'segment.bytes': '1048576' });
    const big = 'x'.repeat(200_000);
    for (let i = 0; i < 12; i++) await fixture.append('t', batchOf([`v${i} ${big}`]));
    expect(await move(fixture, '/disk-b', [0])).toEqual([0]);
    let appended = 12;
    await until(async () => {
      const [, b] = await logDirs(fixture);
      if (b!.partitions.some(([partition, isFuture]) => partition === 0 && !isFuture)) return true;
      await fixture.append('t', batchOf([`v${appended++} ${big}`]));
      return false;
    });
    expect(machine.partitionsIn('/disk-a')).toEqual([]);
    expect(machine.partitionsIn('/disk-b')).toEqual(['t-0', 't-1']);
    expect(await appendTo(fixture, 0, `v${appended++}`)).toBe(0);
    const all = async (from: BrokerFixture): Promise<string[]> => {
      const found: string[] = [];
      while (found.length < appended) {
        const { records } = await from.read('t', found.length);
        const values = records?.toString('latin1').match(/v\d+/g) ?? [];
        if (values.length === 0) break;
        found.push(...values);
      }
      return found;
    };
    const expected = Array.from({ length: appended }, (_, i) => `v${i}`);
    expect(await all(fixture)).toEqual(expected);
    await fixture.stop();
    const again = await machine.start();
    expect(await all(again)).toEqual(expected);
    expect((await logDirs(again)).map(({ partitions }) => partitions)).toEqual([
      [],
      [
        [0, false],
        [1, false],
      ],
    ]);
  });

  it('keeps what was flushed when the machine goes down right after', async () => {
    const machine = new Machine();
    const fixture = await machine.start({ 'log.flush.interval.messages': '1' });
    await fixture.createTopic('t', 1);
    for (let i = 0; i < 5; i++) await appendTo(fixture, 0, `v${i}`);
    await move(fixture, '/disk-b', [0]);
    await until(() => machine.partitionsIn('/disk-b').length > 0);
    machine.fileSystem.powerLoss();
    const again = await machine.start({}, { bootId: 'another' });
    expect(await valuesOf(again, 0)).toEqual(['v0', 'v1', 'v2', 'v3', 'v4']);
  });

  it('goes on being moved after a start that finds the copy half made', async () => {
    const machine = new Machine();
    const fixture = await machine.start();
    await fixture.createTopic('t', 1);
    await appendTo(fixture, 0);
    await fixture.stop();
    const half = `/disk-b/t-0.${'0123456789abcdef'.repeat(2)}-future`;
    machine.fileSystem.makeDirectory(half);
    machine.fileSystem.writeFileAtomic(`${half}/00000000000000000000.log`, 'half');
    const again = await machine.start();
    await until(() => machine.partitionsIn('/disk-b').length > 0);
    expect(await valuesOf(again, 0)).toEqual(['v1']);
    expect(machine.fileSystem.exists(half)).toBe(false);
  });

  it('stays where it is when the other disk fails, and after a crash between the last two steps', async () => {
    const machine = new Machine();
    const fixture = await machine.start();
    await fixture.createTopic('t', 1);
    await appendTo(fixture, 0);
    machine.breakDisk('/disk-b', 'EIO');
    expect(await move(fixture, '/disk-b', [0])).toEqual([0]);
    await until(() => machine.said.some((line) => /t-0 could not be moved to \/disk-b: .*EIO/.test(line)));
    expect(await appendTo(fixture, 0, 'v2')).toBe(0);
    machine.mend();
    machine.fileSystem.onOperation = (operation, path) =>
      operation === 'rename' && path === '/disk-a/t-0' ? { code: 'EIO', crash: true } : undefined;
    await move(fixture, '/disk-b', [0]);
    await until(() => machine.partitionsIn('/disk-b').length > 0);
    machine.mend();
    const again = await machine.start();
    expect(await valuesOf(again, 0)).toEqual(['v1', 'v2']);
    expect(machine.said.some((line) => line.startsWith('/disk-b/t-0 is /disk-a/t-0 again'))).toBe(true);
  });

  it('is refused by name of what is wrong', async () => {
    const machine = new Machine();
    const fixture = await machine.start();
    await fixture.createTopic('t', 2);
    expect(await move(fixture, '/disk-a', [0, 9])).toEqual([0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    expect(await move(fixture, '/elsewhere', [0])).toEqual([ErrorCode.LOG_DIR_NOT_FOUND]);
    expect(await move(fixture, '/disk-b', [0], '__cluster_metadata')).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    machine.breakDisk('/disk-b');
    await appendTo(fixture, 1);
    expect(await move(fixture, '/disk-b', [0])).toEqual([ErrorCode.KAFKA_STORAGE_ERROR]);
    expect(await move(fixture, '/disk-a', [1])).toEqual([ErrorCode.KAFKA_STORAGE_ERROR]);
  });
});
