import { duration, integer, string } from '../config-key.js';

// Keys of what is kept outside of Kafka: message ids, offsets. Part of the table in config-keys.ts.

export const STORE_KEYS = {
  'redis.url': string({
    default: undefined,
    allowed: 'redis://host:port, rediss:// with TLS',
    doc: 'Redis of the stores that are called redis; needs the package ioredis. Not a key of Spring.',
    acts: 'runtime/nest/guards/store-shelf',
  }),
  'delays.store': string({
    default: 'none',
    allowed: 'none, topics, redis, or the token of a provider',
    doc: 'Where records wait that are sent with a delay, and who sends them: topics of the cluster, redis.url, or a client of Redis or SQL. Not a key of Spring.',
    acts: 'runtime/nest/connection/connection-delays',
  }),
  'listener.offset-store': string({
    default: 'kafka',
    allowed: 'kafka, file, redis, or the token of a provider',
    doc: 'Where offsets are kept, where listeners do not say. Not a key of Spring.',
    acts: 'runtime/nest/guards/offsets-option',
  }),
  'listener.offset-directory': string({
    default: './.nestdaw/offsets',
    allowed: 'a directory, relative to the working directory',
    doc: 'Where the offset store file keeps its files. Not a key of Spring.',
    acts: 'runtime/nest/guards/store-shelf',
  }),
  'listener.idempotent.id': string({
    default: undefined,
    allowed: '#header:name, #key, a property of the payload, topic-partition-offset',
    doc: 'Makes all listeners idempotent that do not say otherwise, by this id. Not a key of Spring.',
    acts: 'runtime/nest/guards/idempotent-option',
  }),
  'listener.idempotent.store': string({
    default: 'memory',
    allowed: 'memory, redis, topic, or the token of a provider',
    doc: 'Where message ids are kept, where listeners do not say. Not a key of Spring.',
    acts: 'runtime/nest/guards/idempotent-option',
  }),
  'listener.idempotent.window-count': integer({
    default: undefined,
    min: 1,
    max: 1_000_000,
    doc: 'Handled ids that are known per partition. Default 1000, or more where more can be redelivered. Not a key of Spring.',
    acts: 'runtime/nest/guards/idempotent-option',
  }),
  'listener.idempotent.window-time': duration({
    default: undefined,
    min: 1,
    doc: 'How long handled ids are known; with window-count as long as any of the two says. Not a key of Spring.',
    acts: 'runtime/nest/guards/idempotent-option',
  }),
  'listener.idempotent.lease': duration({
    default: 10_000,
    min: 1_000,
    max: 3_600_000,
    doc: 'After how long the claims of a process that died are free. Not a key of Spring.',
    acts: 'runtime/nest/guards/idempotent-option',
  }),
} as const;
