import { describe, expect, it } from '@jest/globals';
import { CoordinatorRuntime, type CoordinatorShard } from '../../../src/broker/coordinator/coordinator-runtime.js';
import { deferred } from '../../../src/common/lifecycle.js';
import { silentLogger } from '../../../src/common/logger.js';
import { ManualClock } from '../../support/manual-clock.js';
import { MemoryCoordinatorLog } from '../../support/memory-coordinator-log.js';

// The least that can be coordinated: a list of texts a partition.

class Texts implements CoordinatorShard<string> {
  readonly replayed: string[] = [];
  isLoaded = false;

  constructor(readonly partition: number) {}

  replay(text: string): void {
    this.replayed.push(text);
  }

  loaded(): void {
    this.isLoaded = true;
  }
}

function runtimeOn(log: MemoryCoordinatorLog) {
  const errors: string[] = [];
  const runtime = new CoordinatorRuntime<string, Texts>({
    topic: 'texts',
    log,
    codec: {
      encode: (text) => {
        if (text === 'bad') throw new RangeError('bad text');
        return { key: Buffer.from(text), value: null };
      },
      decode: (key) => (key.toString() === 'foreign' ? undefined : key.toString()),
    },
    createShard: (partition) => new Texts(partition),
    clock: new ManualClock(),
    logger: { ...silentLogger, error: (message) => errors.push(message) },
  });
  return { runtime, errors };
}

describe('the coordinator runtime', () => {
  it('replays what it wrote, at once and after a restart, in order and in several batches', async () => {
    const log = new MemoryCoordinatorLog(2);
    const { runtime } = runtimeOn(log);
    await runtime.load();
    const shard = runtime.shardOf('a')!;
    const texts = Array.from({ length: 2_500 }, (_, i) => `${i}`);
    expect(runtime.write(shard, texts)).toBe(0);
    expect(runtime.write(shard, ['foreign'])).toBe(0);
    expect(shard.replayed).toEqual([...texts, 'foreign']);
    expect(log.batches[shard.partition]).toHaveLength(4);
    const { runtime: next } = runtimeOn(log);
    await next.load();
    expect(next.shardOf('a')!.replayed).toEqual(texts);
    expect(next.shards().map(({ isLoaded }) => isLoaded)).toEqual([true, true]);
  });

  it('replays nothing that the log refused', async () => {
    const log = new MemoryCoordinatorLog(1);
    const { runtime, errors } = runtimeOn(log);
    await runtime.load();
    const shard = runtime.shardOf('a')!;
    log.errorCode = 56;
    expect(runtime.write(shard, ['x'])).toBe(56);
    log.errorCode = 0;
    expect(runtime.write(shard, ['x', 'bad'])).toBe(-1);
    expect(errors).toEqual(['could not write 2 records to texts-0: bad text']);
    expect([shard.replayed, log.batches[0]]).toEqual([[], []]);
  });

  it('opens shard by shard, and none after it was unloaded', async () => {
    const log = new MemoryCoordinatorLog(3);
    const gates = [deferred(), deferred(), deferred()];
    log.readAll = ((partition: number) => gates[partition]!.promise) as never;
    const { runtime } = runtimeOn(log);
    const loading = runtime.load();
    gates[0]!.resolve();
    await gates[0]!.promise;
    await Promise.resolve();
    expect([runtime.shards().length, runtime.isLoaded]).toEqual([1, false]);
    runtime.unload();
    gates[1]!.resolve();
    gates[2]!.resolve();
    await loading;
    expect(runtime.shards()).toEqual([]);
  });
});
