import { createHash } from 'node:crypto';
import { messageOf, NestdawError } from '../../common/errors.js';

// Redis as the stores need it: scripts, run by their digest. Over the client that the application has.

/** A script in Lua, and the digest by which Redis knows it once it has seen it. */
export interface RedisScript {
  readonly text: string;
  readonly digest: string;
}

export function redisScript(text: string): RedisScript {
  return { text, digest: createHash('sha1').update(text).digest('hex') };
}

export interface RedisRunner {
  /** Runs a script atomically; what it returns, numbers as numbers and text as text. */
  run(script: RedisScript, keys: readonly string[], args: ReadonlyArray<string | number>): Promise<unknown>;
}

type Arguments = readonly string[];

/** ioredis: a Redis or a Cluster. */
interface Ioredis {
  evalsha(digest: string, keys: number, ...rest: Arguments): Promise<unknown>;
  eval(text: string, keys: number, ...rest: Arguments): Promise<unknown>;
}

/** node-redis, the package `redis`. */
interface NodeRedis {
  evalSha(digest: string, options: { readonly keys: Arguments; readonly arguments: Arguments }): Promise<unknown>;
  eval(text: string, options: { readonly keys: Arguments; readonly arguments: Arguments }): Promise<unknown>;
}

/**
 * Runs scripts through the application's client: one of ioredis or of the package redis, known by what it can do.
 *
 * @throws {NestdawError} KAFKA_CONFIG_INVALID when it is none of them
 */
export function redisRunner(client: object): RedisRunner {
  if (isRunner(client)) return client;
  if (has(client, 'evalsha', 'eval')) return ofIoredis(client as Ioredis);
  if (has(client, 'evalSha', 'eval')) return ofNodeRedis(client as NodeRedis);
  const name = client?.constructor?.name ?? typeof client;
  throw new NestdawError('KAFKA_CONFIG_INVALID', `${name} is no Redis client: give one of ioredis, or of redis`);
}

/** Whether `redisRunner` takes it. */
export function isRedisClient(client: unknown): client is object {
  return has(client, 'evalsha', 'eval') || has(client, 'evalSha', 'eval');
}

function ofIoredis(client: Ioredis): RedisRunner {
  return {
    run: ({ text, digest }, keys, args) => {
      const rest = [...keys, ...args.map(String)];
      return client.evalsha(digest, keys.length, ...rest).catch((error: unknown) => {
        if (!isUnknownScript(error)) throw error;
        return client.eval(text, keys.length, ...rest);
      });
    },
  };
}

function ofNodeRedis(client: NodeRedis): RedisRunner {
  return {
    run: ({ text, digest }, keys, args) => {
      const options = { keys, arguments: args.map(String) };
      return client.evalSha(digest, options).catch((error: unknown) => {
        if (!isUnknownScript(error)) throw error;
        return client.eval(text, options);
      });
    },
  };
}

function isUnknownScript(error: unknown): boolean {
  return messageOf(error).startsWith('NOSCRIPT');
}

function isRunner(client: object): client is RedisRunner {
  return has(client, 'run') && !has(client, 'eval');
}

function has(client: unknown, ...names: readonly string[]): boolean {
  if (client === null || (typeof client !== 'object' && typeof client !== 'function')) return false;
  return names.every((name) => typeof (client as Record<string, unknown>)[name] === 'function');
}
