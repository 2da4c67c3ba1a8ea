import { bool, type ConfigTable, checked, dynamic, int, long, MAX_LONG, str } from './config-key.js';

// Keys of tiered storage, which is not served: it cannot be switched on, and then none of the others acts.

const NOTHING_REMOTE = 'Accepted for compatibility; nothing is stored elsewhere.';

/** For what would switch tiered storage on. */
export function notEnabled(value: string): string | undefined {
  return value.toLowerCase() === 'true' ? 'must be false: there is no tiered storage here' : undefined;
}

export const REMOTE_STORAGE_KEYS = {
  'follower.fetch.last.tiered.offset.enable': dynamic(bool(false, NOTHING_REMOTE)),
  'log.local.retention.bytes': dynamic(long(-2, NOTHING_REMOTE, { min: -2 })),
  'log.local.retention.ms': dynamic(long(-2, NOTHING_REMOTE, { min: -2 })),
  'remote.fetch.max.wait.ms': dynamic(int(500, NOTHING_REMOTE, { min: 1 })),
  'remote.list.offsets.request.timeout.ms': dynamic(long(30000, NOTHING_REMOTE, { min: 1 })),
  'remote.log.index.file.cache.total.size.bytes': dynamic(long(1073741824, NOTHING_REMOTE, { min: 1 })),
  'remote.log.manager.copier.thread.pool.size': dynamic(int(10, NOTHING_REMOTE, { min: 1 })),
  'remote.log.manager.copy.max.bytes.per.second': dynamic(long(MAX_LONG, NOTHING_REMOTE, { min: 1 })),
  'remote.log.manager.copy.quota.window.num': int(11, NOTHING_REMOTE, { min: 1 }),
  'remote.log.manager.copy.quota.window.size.seconds': int(1, NOTHING_REMOTE, { min: 1 }),
  'remote.log.manager.expiration.thread.pool.size': dynamic(int(10, NOTHING_REMOTE, { min: 1 })),
  'remote.log.manager.fetch.max.bytes.per.second': dynamic(long(MAX_LONG, NOTHING_REMOTE, { min: 1 })),
  'remote.log.manager.fetch.quota.window.num': int(11, NOTHING_REMOTE, { min: 1 }),
  'remote.log.manager.fetch.quota.window.size.seconds': int(1, NOTHING_REMOTE, { min: 1 }),
  'remote.log.manager.follower.thread.pool.size': dynamic(int(2, NOTHING_REMOTE, { min: 1 })),
  'remote.log.manager.task.interval.ms': long(30000, NOTHING_REMOTE, { min: 1 }),
  'remote.log.manager.thread.pool.size': int(2, NOTHING_REMOTE, { min: 1 }),
  'remote.log.metadata.custom.metadata.max.bytes': int(128, NOTHING_REMOTE, { min: 0 }),
  'remote.log.metadata.manager.class.name': str(
    'org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager',
    NOTHING_REMOTE,
  ),
  'remote.log.metadata.manager.class.path': str(null, NOTHING_REMOTE),
  'remote.log.metadata.manager.impl.prefix': str('rlmm.config.', NOTHING_REMOTE),
  'remote.log.metadata.manager.listener.name': str(null, NOTHING_REMOTE),
  'remote.log.reader.max.pending.tasks': int(100, NOTHING_REMOTE, { min: 1 }),
  'remote.log.reader.threads': dynamic(int(10, NOTHING_REMOTE, { min: 1 })),
  'remote.log.storage.manager.class.name': str(null, NOTHING_REMOTE),
  'remote.log.storage.manager.class.path': str(null, NOTHING_REMOTE),
  'remote.log.storage.manager.impl.prefix': str('rsm.config.', NOTHING_REMOTE),
  'remote.log.storage.system.enable': checked(bool(false, NOTHING_REMOTE), notEnabled),
} satisfies ConfigTable;
