import { BROKER_KEYS, type BrokerKey } from './broker-keys.js';
import { bool, type ConfigKey, type ConfigTable, checked, elementsOf, list } from './config-key.js';
import { notEnabled } from './remote-storage-keys.js';

// The topic's keys. Most have their default from a broker key, some from one of several: the finer unit wins. Type,
// range and doc then follow the broker's key as well.

/** A broker key that gives a topic key its default, and what its unit is worth in the topic key's. */
export interface Synonym {
  readonly key: BrokerKey;
  readonly factor: number;
}

const HOUR = 3_600_000;
const NO_EFFECT = 'Accepted for compatibility; no effect here.';

const same = (key: BrokerKey): readonly Synonym[] => [{ key, factor: 1 }];

/** Which broker keys stand behind a topic key, the first that is set wins. */
export const SYNONYMS = {
  'cleanup.policy': same('log.cleanup.policy'),
  'compression.type': same('compression.type'),
  'compression.gzip.level': same('compression.gzip.level'),
  'compression.lz4.level': same('compression.lz4.level'),
  'compression.zstd.level': same('compression.zstd.level'),
  'delete.retention.ms': same('log.cleaner.delete.retention.ms'),
  'file.delete.delay.ms': same('log.segment.delete.delay.ms'),
  'flush.messages': same('log.flush.interval.messages'),
  'flush.ms': [...same('log.flush.interval.ms'), ...same('log.flush.scheduler.interval.ms')],
  'index.interval.bytes': same('log.index.interval.bytes'),
  'local.retention.bytes': same('log.local.retention.bytes'),
  'local.retention.ms': same('log.local.retention.ms'),
  'max.compaction.lag.ms': same('log.cleaner.max.compaction.lag.ms'),
  'max.message.bytes': same('message.max.bytes'),
  'message.timestamp.after.max.ms': same('log.message.timestamp.after.max.ms'),
  'message.timestamp.before.max.ms': same('log.message.timestamp.before.max.ms'),
  'message.timestamp.type': same('log.message.timestamp.type'),
  'min.cleanable.dirty.ratio': same('log.cleaner.min.cleanable.ratio'),
  'min.compaction.lag.ms': same('log.cleaner.min.compaction.lag.ms'),
  'min.insync.replicas': same('min.insync.replicas'),
  preallocate: same('log.preallocate'),
  'retention.bytes': same('log.retention.bytes'),
  'retention.ms': [
    ...same('log.retention.ms'),
    { key: 'log.retention.minutes', factor: 60_000 },
    { key: 'log.retention.hours', factor: HOUR },
  ],
  'segment.bytes': same('log.segment.bytes'),
  'segment.index.bytes': same('log.index.size.max.bytes'),
  'segment.jitter.ms': [...same('log.roll.jitter.ms'), { key: 'log.roll.jitter.hours', factor: HOUR }],
  'segment.ms': [...same('log.roll.ms'), { key: 'log.roll.hours', factor: HOUR }],
  'unclean.leader.election.enable': same('unclean.leader.election.enable'),
} as const satisfies Record<string, readonly Synonym[]>;

function throttledReplicas(value: string): string | undefined {
  const isFine = value === '*' || elementsOf(value).every((element) => /^\d+:\d+$/.test(element));
  return isFine ? undefined : 'must be * or a list of partition:broker';
}

const OF_TOPICS_ONLY = {
  'follower.replication.throttled.replicas': checked(list('', NO_EFFECT), throttledReplicas),
  'leader.replication.throttled.replicas': checked(list('', NO_EFFECT), throttledReplicas),
  'remote.log.copy.disable': bool(false, NO_EFFECT),
  'remote.log.delete.on.disable': bool(false, NO_EFFECT),
  'remote.storage.enable': checked(bool(false, NO_EFFECT), notEnabled),
} satisfies ConfigTable;

export type TopicKey = keyof typeof SYNONYMS | keyof typeof OF_TOPICS_ONLY;

function fromBroker(name: keyof typeof SYNONYMS): ConfigKey {
  const [first] = SYNONYMS[name];
  // The coarser units are always set, so the default of the whole is that of the first key that has one.
  const fallback = defaultOf(SYNONYMS[name]);
  const key = { ...(BROKER_KEYS[first!.key] as ConfigKey), fallback, dynamic: true };
  // The broker's key takes any number below zero for "never", the topic's only this one.
  return name === 'retention.ms' ? { ...key, min: -1 } : key;
}

function defaultOf(synonyms: readonly Synonym[]): string | null {
  for (const { key, factor } of synonyms) {
    const { fallback } = BROKER_KEYS[key] as ConfigKey;
    if (fallback !== null) return factor === 1 ? fallback : String(Number(fallback) * factor);
  }
  return null;
}

/** Every key of a topic, sorted by name. */
export const TOPIC_KEYS = Object.fromEntries(
  [
    ...(Object.keys(SYNONYMS) as (keyof typeof SYNONYMS)[]).map((name) => [name, fromBroker(name)] as const),
    ...Object.entries(OF_TOPICS_ONLY),
  ].sort(([a], [b]) => (a < b ? -1 : 1)),
) as Readonly<Record<TopicKey, ConfigKey>>;

/** Broker keys behind a topic key; none for those that only topics have. */
export function synonymsOf(key: TopicKey): readonly Synonym[] {
  return (SYNONYMS as Partial<Record<TopicKey, readonly Synonym[]>>)[key] ?? [];
}

export function isTopicKey(name: string): name is TopicKey {
  return Object.hasOwn(TOPIC_KEYS, name);
}
