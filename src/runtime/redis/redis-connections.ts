import { createRequire } from 'node:module';
import { buildRoot } from '#here';
import { NestdawError } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type RedisRunner, redisRunner } from './redis-scripts.js';

// Connections to Redis of our own, one per address, for stores that are named and not given.

/** What is used of ioredis. */
interface Client {
  on(event: 'error', listener: (error: Error) => void): unknown;
  disconnect(): void;
}
type ClientClass = new (url: string, options: object) => Client;

/** A store waits for its answer; a connection that hangs must not look like one that is busy. */
const OPTIONS = { maxRetriesPerRequest: 1, commandTimeout: 5_000, connectTimeout: 5_000, lazyConnect: true };

export class RedisConnections {
  readonly #logger: () => Logger;
  readonly #open = new Map<string, { readonly client: Client; readonly runner: RedisRunner }>();

  constructor(logger: () => Logger) {
    this.#logger = logger;
  }

  /** Connects in the background. Throws KAFKA_CONFIG_INVALID when ioredis is not installed. */
  at(url: string): RedisRunner {
    const known = this.#open.get(url);
    if (known) return known.runner;
    const client = new (ioredis())(url, OPTIONS);
    // It goes on trying to connect; whoever sends a command hears that it failed.
    client.on('error', (error) => this.#logger().debug?.(`Redis: ${error.message}`));
    const runner = redisRunner(client);
    this.#open.set(url, { client, runner });
    return runner;
  }

  close(): void {
    for (const { client } of this.#open.values()) client.disconnect();
    this.#open.clear();
  }
}

function ioredis(): ClientClass {
  try {
    return (createRequire(buildRoot)('ioredis') as { readonly Redis: ClientClass }).Redis;
  } catch (cause) {
    throw new NestdawError(
      'KAFKA_CONFIG_INVALID',
      'the store redis needs the package ioredis, which is not installed: npm install ioredis',
      { cause },
    );
  }
}
