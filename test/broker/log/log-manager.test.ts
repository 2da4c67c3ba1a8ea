import { describe, expect, it } from '@jest/globals';
import { MemoryFileSystem } from '../../../src/broker/log/disk/memory-file-system.js';
import { LogManager, type LogManagerOptions } from '../../../src/broker/log/log-manager.js';
import { seededRandom } from '../../../src/common/random.js';
import { ErrorCode } from '../../../src/protocol/error-codes.js';
import { flush, ManualClock } from '../../support/manual-clock.js';
import { appendAll, batchOf, NOW, producerBatch, readAll } from './log-fixture.js';

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';

class Machine {
  readonly clock = new ManualClock(NOW);
  readonly fs = new MemoryFileSystem({ clock: this.clock, trackDurability: true });
  readonly messages: string[] = [];

  start(options: Partial<LogManagerOptions> = {}): Promise<LogManager> {
    const note = (message: string) => void this.messages.push(message);
    return LogManager.open({
      fileSystem: this.fs,
      directory: '/data',
      clock: this.clock,
      random: seededRandom(7),
      nodeId: 1,
      bootId: 'first',
      logger: { log: note, warn: note, error: note },
      ...options,
    });
  }

  text(name: string): string {
    return this.fs.readFile(`/data/${name}`).toString();
  }
}

describe('LogManager and its directory', () => {
  it('makes a new directory with ids of 22 characters that stay the same', async () => {
    const machine = new Machine();
    const first = await machine.start();
    expect(first.clusterId).toMatch(/^[\w-]{22}$/);
    expect(machine.text('meta.properties')).toBe(
      `version=1\ncluster.id=${first.clusterId}\nnode.id=1\ndirectory.id=${first.directories[0]!.id}\n`,
    );
    expect(first.lastStop).toBe('machine-down');
    await first.stop();
    const second = await machine.start();
    expect([second.clusterId, second.directories[0]!.id]).toEqual([first.clusterId, first.directories[0]!.id]);
    expect(second.startedClean).toBe(true);
  });

  it('refuses a directory of another node, another cluster, or of a form it does not know', async () => {
    const machine = new Machine();
    await (await machine.start({ clusterId: 'theirs' })).stop();
    await expect(machine.start({ nodeId: 2 })).rejects.toMatchObject({ code: 'KAFKA_DATA_DIR_INVALID' });
    await expect(machine.start({ clusterId: 'ours' })).rejects.toMatchObject({ code: 'KAFKA_DATA_DIR_INVALID' });
    machine.fs.writeFileAtomic('/data/meta.properties', 'version=9\nnode.id=1\ncluster.id=theirs\n');
    await expect(machine.start()).rejects.toMatchObject({ code: 'KAFKA_DATA_DIR_INVALID' });
  });

  it('gives an empty log its files with the first append, through stops, kills and power losses', async () => {
    const machine = new Machine();
    const files = () => machine.fs.list('/data/orders-0').sort();
    for (const end of ['stop', 'kill', 'power'] as const) {
      const manager = await machine.start();
      const log = manager.create('orders', 0, { topicId: TOPIC_ID });
      expect([files(), log.logEndOffset, log.sizeBytes]).toEqual([['partition.metadata'], 0, 0]);
      expect(log.offsetForTimestamp(-3)).toMatchObject({ errorCode: 0, offset: -1 });
      expect([log.retain(NOW), log.deleteRecordsBefore(-1).errorCode]).toEqual([0, 0]);
      await log.flush();
      const untouched = manager.create('orders', 1, { topicId: TOPIC_ID });
      const { sizeBytes, recoveryPoint, lastStableOffset } = untouched;
      expect([untouched.retain(NOW), sizeBytes, recoveryPoint, lastStableOffset]).toEqual([0, 0, 0, 0]);
      await untouched.flush();
      if (end === 'stop') await manager.stop();
      else if (end === 'kill') machine.fs.crash();
      else machine.fs.powerLoss();
      expect(end === 'power' ? [] : files()).toEqual(end === 'power' ? [] : ['partition.metadata']);
    }
    const manager = await machine.start();
    const log = manager.create('orders', 0, { topicId: TOPIC_ID });
    appendAll(log, [batchOf({ count: 3 })]);
    await log.flush();
    machine.fs.powerLoss();
    const started = await machine.start();
    const again = started.get('orders', 0)!;
    expect([again.logEndOffset, readAll(again).length]).toEqual([3, 1]);
    const first = started.create('orders', 1, { topicId: TOPIC_ID });
    appendAll(first, [batchOf({ count: 2 })]);
    expect([first.logEndOffset, readAll(first).length, first.segments[0]!.baseOffset]).toEqual([2, 1, 0]);
  });

  it('takes up a directory that Kafka wrote before it knew directory ids', async () => {
    const machine = new Machine();
    machine.fs.makeDirectory('/data');
    machine.fs.writeFileAtomic(
      '/data/meta.properties',
      '#\n#Mon Jan 01 UTC 2024\nversion=0\nbroker.id=1\ncluster.id=abc\n',
    );
    const manager = await machine.start();
    expect(manager.clusterId).toBe('abc');
    expect(machine.text('meta.properties')).toContain(`directory.id=${manager.directories[0]!.id}`);
  });

  it('writes the checkpoints as Kafka does and the clean-shutdown file last', async () => {
    const machine = new Machine();
    const manager = await machine.start();
    appendAll(manager.create('orders', 0, { topicId: TOPIC_ID }), [batchOf({ count: 3 })]);
    appendAll(manager.create('a-b.c', 12), [batchOf()]);
    manager.create('__cluster_metadata', 0);
    manager.get('orders', 0)!.deleteRecordsBefore(1);
    const changes: string[] = [];
    machine.fs.onOperation = (_operation, path) => void changes.push(path);
    await manager.stop();
    expect(changes.at(-1)).toBe('/data/.kafka_cleanshutdown');
    expect(machine.text('recovery-point-offset-checkpoint')).toBe('0\n2\norders 0 3\na-b.c 12 1\n');
    expect(machine.text('log-start-offset-checkpoint')).toBe('0\n2\norders 0 1\na-b.c 12 0\n');
    expect(machine.text('replication-offset-checkpoint')).toBe('0\n2\norders 0 3\na-b.c 12 1\n');
    expect(machine.text('orders-0/partition.metadata')).toBe(`version: 0\ntopic_id: ${TOPIC_ID}`);
    machine.fs.onOperation = undefined;
    machine.fs.powerLoss();
    const again = await machine.start({ bootId: 'second' });
    expect(machine.fs.exists('/data/.kafka_cleanshutdown')).toBe(false);
    const log = again.get('orders', 0)!;
    expect([log.logStartOffset, log.logEndOffset]).toEqual([1, 3]);
    // Two log files alone: the indexes left memory when they had been looked at.
    expect(again.openFiles).toBe(2);
    expect(again.get('a-b.c', 12)!.logEndOffset).toBe(1);
    expect([...again.entries()].map(([tp]) => tp.topic).sort()).toEqual(['__cluster_metadata', 'a-b.c', 'orders']);
  });

  it('tells a kill from a machine that went down by the boot id', async () => {
    const machine = new Machine();
    appendAll((await machine.start()).create('orders', 0), [batchOf()]);
    machine.fs.crash();
    expect((await machine.start()).lastStop).toBe('killed');
    machine.fs.crash();
    expect((await machine.start({ bootId: 'second' })).lastStop).toBe('machine-down');
    machine.fs.crash();
    expect((await machine.start({ bootId: undefined })).lastStop).toBe('machine-down');
    machine.fs.crash();
    expect((await machine.start({ bootId: 'second' })).lastStop).toBe('machine-down');
  });

  it('does not call it a kill when the run before died while it recovered from a power loss', async () => {
    const machine = new Machine();
    const manager = await machine.start();
    appendAll(manager.create('orders', 0), [batchOf()]);
    machine.fs.powerLoss((_path, _synced, written) => written);
    machine.fs.onOperation = (operation, path) =>
      operation === 'rename' && path.endsWith('boot-id.tmp') ? { code: 'EIO', crash: true } : undefined;
    await expect(machine.start({ bootId: 'second' })).rejects.toThrow('EIO');
    machine.fs.onOperation = undefined;
    expect((await machine.start({ bootId: 'second' })).lastStop).toBe('machine-down');
  });

  it('keeps what flush.messages=1 promised over a power loss, in a partition that is new', async () => {
    const machine = new Machine();
    const log = (await machine.start()).create('orders', 0, { config: { 'flush.messages': '1' } });
    appendAll(log, [producerBatch({ sequence: 0 })]);
    await log.durable();
    machine.fs.powerLoss();
    const recovered = (await machine.start({ bootId: 'second' })).get('orders', 0)!;
    expect(readAll(recovered)).toHaveLength(1);
    const retry = recovered.append(producerBatch({ sequence: 0 }), { origin: 'client', now: NOW });
    expect(retry).toMatchObject({ errorCode: 0, baseOffset: 0, duplicate: true });
  });
});

describe('LogManager and its logs', () => {
  it('finds, makes and configures logs', async () => {
    const manager = await new Machine().start({ defaults: { 'retention.ms': '5', 'segment.bytes': '2000' } });
    expect(manager.get('orders', 0)).toBeUndefined();
    const log = manager.create('orders', 0, { config: { 'segment.bytes': '1000' }, leaderEpoch: 3 });
    expect(manager.create('orders', 0)).toBe(log);
    expect(log.leaderEpoch).toBe(3);
    expect(log.config).toMatchObject({ retentionMs: 5, segmentBytes: 1000 });
    manager.configure('orders', { 'retention.ms': '-1' });
    expect(log.config).toMatchObject({ retentionMs: -1, segmentBytes: 2000 });
  });

  it('keeps a log apart from an earlier topic of the same name, and adopts one whose id was lost', async () => {
    const machine = new Machine();
    const manager = await machine.start();
    appendAll(manager.create('orders', 0, { topicId: TOPIC_ID }), [batchOf()]);
    appendAll(manager.create('lost', 0), [batchOf()]);
    await manager.stop();
    const again = await machine.start();
    expect(again.create('orders', 0, { topicId: TOPIC_ID }).logEndOffset).toBe(1);
    const adopted = again.create('lost', 0, { topicId: TOPIC_ID });
    expect([adopted.logEndOffset, adopted.topicId]).toEqual([1, TOPIC_ID]);
    expect(machine.text('lost-0/partition.metadata')).toContain(TOPIC_ID);
    const other = again.create('orders', 0, { topicId: 'BAAAAAAAAAAAAAAAAAAAAQ' });
    expect([other.logEndOffset, other.topicId]).toEqual([0, 'BAAAAAAAAAAAAAAAAAAAAQ']);
    expect(machine.fs.list('/data').filter((name) => name.endsWith('-stray'))).toHaveLength(1);
  });

  it('sets a deleted log aside and removes it after the delay', async () => {
    const machine = new Machine();
    const manager = await machine.start();
    const log = manager.create('orders', 0, { config: { 'file.delete.delay.ms': '1000' } });
    appendAll(log, [batchOf()]);
    manager.delete('orders', 0);
    manager.delete('orders', 0);
    expect(log.append(batchOf(), { origin: 'client', now: NOW }).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    const aside = () => machine.fs.list('/data').filter((name) => name.endsWith('-delete'));
    expect(aside()).toEqual([expect.stringMatching(/^orders-0\.[0-9a-f]{32}-delete$/)]);
    const second = manager.create('orders', 0);
    expect(second.logEndOffset).toBe(0);
    await machine.clock.advance(1000);
    expect(aside()).toEqual([]);
    manager.delete('orders', 0);
    machine.fs.crash();
    const again = await machine.start();
    expect([aside(), again.get('orders', 0)]).toEqual([[], undefined]);
  });

  it('sets all partitions of a topic aside with one fsync, and none of them comes back', async () => {
    const machine = new Machine();
    const manager = await machine.start();
    for (let partition = 0; partition < 50; partition++) await manager.create('orders', partition).flush();
    manager.create('orders', 50);
    let syncs = 0;
    machine.fs.onOperation = (operation, path) => {
      if (operation === 'syncDirectory' && path === '/data') syncs++;
      return undefined;
    };
    manager.deleteAll('orders', Array(50).keys());
    expect(syncs).toBe(1);
    machine.fs.powerLoss();
    const again = await machine.start();
    expect(Array.from(again.logs(), ({ topicPartition }) => topicPartition.partition)).toEqual([50]);
  });

  it('applies retention and writes checkpoints by the clock', async () => {
    const machine = new Machine();
    const manager = await machine.start({ retentionCheckIntervalMs: 1000, checkpointIntervalMs: 400 });
    const log = manager.create('orders', 0, { config: { 'retention.ms': '500' } });
    const metadata = manager.create('__cluster_metadata', 0, { config: { 'retention.ms': '500' } });
    appendAll(log, [batchOf()]);
    appendAll(metadata, [batchOf()]);
    await log.flush();
    await machine.clock.advance(400);
    expect(machine.text('recovery-point-offset-checkpoint')).toBe('0\n1\norders 0 1\n');
    await machine.clock.advance(600);
    expect([log.logStartOffset, log.logEndOffset]).toEqual([1, 1]);
    expect(metadata.logStartOffset).toBe(0);
    expect(machine.text('log-start-offset-checkpoint')).toBe('0\n1\norders 0 1\n');
  });

  it('remembers a log start raised by DeleteRecords at once', async () => {
    const machine = new Machine();
    const log = (await machine.start()).create('orders', 0);
    appendAll(log, [batchOf({ count: 5 })]);
    log.deleteRecordsBefore(3);
    await machine.clock.advance(0);
    machine.fs.crash();
    expect((await machine.start()).get('orders', 0)!.logStartOffset).toBe(3);
  });

  it('is not stopped cleanly when a log cannot be flushed, and says so', async () => {
    const machine = new Machine();
    const manager = await machine.start();
    appendAll(manager.create('orders', 0), [batchOf()]);
    appendAll(manager.create('orders', 1), [batchOf()]);
    machine.fs.onOperation = (operation, path) =>
      operation === 'sync' && path.includes('orders-1') ? { code: 'EIO' } : undefined;
    await expect(manager.stop()).rejects.toMatchObject({ code: 'KAFKA_STORAGE_FAILED' });
    machine.fs.onOperation = undefined;
    expect(machine.fs.exists('/data/.kafka_cleanshutdown')).toBe(false);
    expect((await machine.start()).get('orders', 1)!.logEndOffset).toBe(1);
  });

  it('stays within its open files with many partitions', async () => {
    const machine = new Machine();
    const manager = await machine.start({ maxOpenFiles: 8 });
    const logs = Array.from({ length: 30 }, (_, partition) => manager.create('orders', partition));
    for (let round = 0; round < 3; round++) for (const log of logs) appendAll(log, [batchOf()]);
    await Promise.all(logs.map((log) => log.flush()));
    await manager.stop();
    const again = await machine.start({ maxOpenFiles: 8 });
    for (const log of again.logs()) expect(readAll(log)).toHaveLength(3);
    await flush();
  });
});
