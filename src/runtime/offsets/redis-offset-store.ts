import { type TopicPartition } from '../../common/topic-partition.js';
import { type RedisRunner, redisScript } from '../redis/redis-scripts.js';
import { type OffsetStore, type OffsetToStore, type StoredOffset } from './offset-store.js';

// Offsets in Redis: a hash per partition of a group with offset, epoch and metadata. All partitions of a call are one
// script.

/** KEYS partitions · ARGV whether to claim → offset, epoch, metadata of each. */
const LOAD = redisScript(`
local found = {}
for i, key in ipairs(KEYS) do
  local epoch
  if ARGV[1] == '1' then epoch = redis.call('HINCRBY', key, 'epoch', 1) else epoch = redis.call('HGET', key, 'epoch') or 0 end
  found[#found + 1] = redis.call('HGET', key, 'offset') or ''
  found[#found + 1] = tostring(epoch)
  found[#found + 1] = redis.call('HGET', key, 'metadata') or ''
end
return found
`);

/** KEYS partitions · ARGV offset, epoch, metadata of each → places of those that were refused. */
const STORE = redisScript(`
local refused = {}
for i, key in ipairs(KEYS) do
  local at = (i - 1) * 3
  local epoch = tonumber(redis.call('HGET', key, 'epoch') or 0)
  if epoch > tonumber(ARGV[at + 2]) then
    refused[#refused + 1] = i - 1
  else
    redis.call('HSET', key, 'offset', ARGV[at + 1], 'epoch', ARGV[at + 2], 'metadata', ARGV[at + 3])
  end
end
return refused
`);

export interface RedisOffsetOptions {
  /** Beginning of its keys. Default `nestdaw:offsets`. */
  readonly prefix?: string;
}

/** An `OffsetStore` in Redis, as durable as that Redis is. */
export class RedisOffsetStore implements OffsetStore {
  readonly #redis: RedisRunner;
  readonly #prefix: string;

  constructor(redis: RedisRunner, { prefix = 'nestdaw:offsets' }: RedisOffsetOptions = {}) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async load(group: string, partitions: readonly TopicPartition[], claims: boolean): Promise<StoredOffset[]> {
    if (partitions.length === 0) return [];
    const found = (await this.#redis.run(LOAD, this.#keys(group, partitions), [claims ? 1 : 0])) as string[];
    return partitions.map(({ topic, partition }, index) => {
      const [offset, epoch, metadata] = found.slice(index * 3, index * 3 + 3) as [string, string, string];
      return { topic, partition, offset: offset === '' ? undefined : Number(offset), epoch: Number(epoch), metadata };
    });
  }

  async store(group: string, offsets: readonly OffsetToStore[]): Promise<TopicPartition[]> {
    if (offsets.length === 0) return [];
    const args = offsets.flatMap(({ offset, epoch, metadata }) => [offset, epoch, metadata]);
    const refused = (await this.#redis.run(STORE, this.#keys(group, offsets), args)) as number[];
    return refused.map((index) => {
      const { topic, partition } = offsets[index]!;
      return { topic, partition };
    });
  }

  /** The braces keep all keys of a group on one node of a cluster. */
  #keys(group: string, partitions: readonly TopicPartition[]): string[] {
    return partitions.map(({ topic, partition }) => `${this.#prefix}:{${group}}:${topic}-${partition}`);
  }
}
