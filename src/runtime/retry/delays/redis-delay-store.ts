import { bytesOfData, type OutgoingRecord } from '../../../common/record.js';
import { type RedisRunner, redisScript } from '../../redis/redis-scripts.js';
import { type DelayedMessage, type DelayStore } from './delay-store.js';

// Delayed messages in Redis: a sorted set by due time, one of leases, a hash of bodies. Each script is one step for
// all processes, so a message has one taker. The tag in braces keeps the three keys on one node of a Redis cluster.

const PUT = redisScript(`
if redis.call('HSETNX', KEYS[3], ARGV[1], ARGV[3]) == 0 then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return 1`);

/** What a process that died had taken comes first: it is due already. */
const TAKE = redisScript(`
local ids = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
local left = ARGV[2] - #ids
if left > 0 then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, left)) do ids[#ids + 1] = id end
end
local taken = {}
for _, id in ipairs(ids) do
  redis.call('ZREM', KEYS[1], id)
  local body = redis.call('HGET', KEYS[3], id)
  if body then
    redis.call('ZADD', KEYS[2], ARGV[1] + ARGV[3], id)
    taken[#taken + 1] = body
  else
    redis.call('ZREM', KEYS[2], id)
  end
end
return taken`);

const DONE = redisScript(`
for _, id in ipairs(ARGV) do
  redis.call('ZREM', KEYS[2], id)
  redis.call('HDEL', KEYS[3], id)
end
return 1`);

const CANCEL = redisScript(`
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HDEL', KEYS[3], ARGV[1])
return 1`);

const NEXT = redisScript(`
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local leased = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
return {first[2] or '', leased[2] or ''}`);

/** Binary parts as base64, so that a body is text. */
interface Body {
  readonly i: string;
  readonly d: number;
  readonly t: string;
  readonly p?: number;
  readonly k: string | null;
  readonly v: string | null;
  readonly h: ReadonlyArray<readonly [string, string | null]>;
}

export class RedisDelayStore implements DelayStore {
  readonly #redis: RedisRunner;
  readonly #keys: readonly string[];

  /** @param name tells stores of one Redis apart */
  constructor(redis: RedisRunner, name = 'delays') {
    this.#redis = redis;
    this.#keys = ['due', 'leases', 'bodies'].map((part) => `nestdaw:{${name}}:${part}`);
  }

  async put(message: DelayedMessage): Promise<void> {
    await this.#redis.run(PUT, this.#keys, [message.id, message.dueAt, JSON.stringify(bodyOf(message))]);
  }

  async take(now: number, limit: number, leaseMs: number): Promise<DelayedMessage[]> {
    const bodies = (await this.#redis.run(TAKE, this.#keys, [now, limit, leaseMs])) as string[];
    return bodies.map((body) => messageOf(JSON.parse(body) as Body)).sort((a, b) => a.dueAt - b.dueAt);
  }

  async done(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#redis.run(DONE, this.#keys, ids);
  }

  async cancel(id: string): Promise<boolean> {
    return (await this.#redis.run(CANCEL, this.#keys, [id])) === 1;
  }

  async nextDue(): Promise<number | undefined> {
    const scores = (await this.#redis.run(NEXT, this.#keys, [])) as string[];
    const times = scores.filter((score) => score !== '').map(Number);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}

function bodyOf({ id, dueAt, topic, partition, record }: DelayedMessage): Body {
  const { key, value, headers = [] } = record;
  return {
    i: id,
    d: dueAt,
    t: topic,
    ...(partition === undefined ? {} : { p: partition }),
    k: base64(key),
    v: base64(value),
    h: headers.map((header) => [header.key, base64(header.value)] as const),
  };
}

function base64(data: Buffer | string | null): string | null {
  return bytesOfData(data)?.toString('base64') ?? null;
}

function messageOf({ i, d, t, p, k, v, h }: Body): DelayedMessage {
  const bytes = (text: string | null) => (text === null ? null : Buffer.from(text, 'base64'));
  const record: OutgoingRecord = {
    key: bytes(k),
    value: bytes(v),
    headers: h.map(([key, value]) => ({ key, value: bytes(value) })),
  };
  return { id: i, dueAt: d, topic: t, partition: p, record };
}
