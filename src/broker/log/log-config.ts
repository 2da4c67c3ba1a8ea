// What a topic's configuration means to its logs: every key typed, with Kafka's defaults.

export type CompressionType = 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
export type TimestampType = 'CreateTime' | 'LogAppendTime';

/** Topic keys as Kafka names them, with their values as text. */
export type ConfigEntries = Readonly<Record<string, string>>;

/** Stands for Kafka's Long.MAX_VALUE: no limit. */
export const NO_LIMIT = Number.POSITIVE_INFINITY;

export interface LogConfig {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly segmentJitterMs: number;
  readonly segmentIndexBytes: number;
  readonly indexIntervalBytes: number;
  /** -1 keeps everything. */
  readonly retentionMs: number;
  readonly retentionBytes: number;
  readonly deletes: boolean;
  readonly compacts: boolean;
  readonly maxMessageBytes: number;
  readonly timestampType: TimestampType;
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
  readonly compressionType: CompressionType;
  readonly gzipLevel: number;
  readonly zstdLevel: number;
  readonly flushMessages: number;
  readonly flushMs: number;
  readonly fileDeleteDelayMs: number;
  readonly deleteRetentionMs: number;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly minCleanableDirtyRatio: number;
  readonly minInsyncReplicas: number;
}

/** Undefined when the text is no value of the key: it is then passed over. */
type Parser<T> = (text: string) => T | undefined;

function integer(text: string): number | undefined {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) return undefined;
  // Int64 values beyond 2^53 mean "no limit" in every key that takes them.
  if (value >= Number.MAX_SAFE_INTEGER) return NO_LIMIT;
  return value;
}

const policies = (text: string): string[] => text.split(',').map((part) => part.trim());

/**
 * Kafka's key, its default, and the field it fills. Values were checked when they were set; here they are only read.
 */
const KEYS: { readonly [K in keyof LogConfig]: readonly [key: string, fallback: string, parse: Parser<LogConfig[K]>] } =
  {
    segmentBytes: ['segment.bytes', '1073741824', integer],
    segmentMs: ['segment.ms', '604800000', integer],
    segmentJitterMs: ['segment.jitter.ms', '0', integer],
    segmentIndexBytes: ['segment.index.bytes', '10485760', integer],
    indexIntervalBytes: ['index.interval.bytes', '4096', integer],
    retentionMs: ['retention.ms', '604800000', integer],
    retentionBytes: ['retention.bytes', '-1', integer],
    deletes: ['cleanup.policy', 'delete', (text) => policies(text).includes('delete')],
    compacts: ['cleanup.policy', 'delete', (text) => policies(text).includes('compact')],
    maxMessageBytes: ['max.message.bytes', '1048588', integer],
    timestampType: ['message.timestamp.type', 'CreateTime', (text) => text as TimestampType],
    timestampBeforeMaxMs: ['message.timestamp.before.max.ms', '9223372036854775807', integer],
    timestampAfterMaxMs: ['message.timestamp.after.max.ms', '3600000', integer],
    compressionType: ['compression.type', 'producer', (text) => text as CompressionType],
    gzipLevel: ['compression.gzip.level', '-1', integer],
    zstdLevel: ['compression.zstd.level', '3', integer],
    flushMessages: ['flush.messages', '9223372036854775807', integer],
    flushMs: ['flush.ms', '9223372036854775807', integer],
    fileDeleteDelayMs: ['file.delete.delay.ms', '60000', integer],
    deleteRetentionMs: ['delete.retention.ms', '86400000', integer],
    minCompactionLagMs: ['min.compaction.lag.ms', '0', integer],
    maxCompactionLagMs: ['max.compaction.lag.ms', '9223372036854775807', integer],
    minCleanableDirtyRatio: ['min.cleanable.dirty.ratio', '0.5', Number],
    minInsyncReplicas: ['min.insync.replicas', '1', integer],
  };

/** The configuration of a topic's logs: its overrides, else the broker's defaults, else Kafka's. */
export function logConfig(overrides: ConfigEntries = {}, defaults: ConfigEntries = {}): LogConfig {
  const config: Partial<Record<keyof LogConfig, unknown>> = {};
  for (const field of Object.keys(KEYS) as Array<keyof LogConfig>) {
    const [key, fallback, parse] = KEYS[field];
    for (const text of [overrides[key], defaults[key], fallback]) {
      if (text !== undefined) config[field] ??= parse(text);
    }
  }
  const complete = config as unknown as LogConfig;
  // A compacted topic rolls early enough for its active segment to be cleaned within max.compaction.lag.ms.
  if (!complete.compacts || complete.segmentMs <= complete.maxCompactionLagMs) return complete;
  return { ...complete, segmentMs: complete.maxCompactionLagMs };
}
