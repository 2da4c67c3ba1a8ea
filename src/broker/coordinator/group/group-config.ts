/** What the broker's configuration says about groups. */
export interface GroupConfig {
  /** `group.min.session.timeout.ms` */
  readonly minSessionTimeoutMs: number;
  /** `group.max.session.timeout.ms` */
  readonly maxSessionTimeoutMs: number;
  /** `group.initial.rebalance.delay.ms` */
  readonly initialRebalanceDelayMs: number;
  /** `group.max.size` */
  readonly maxSize: number;
  /** `offsets.retention.minutes` */
  readonly offsetsRetentionMinutes: number;
  /** `offsets.retention.check.interval.ms` */
  readonly offsetsRetentionCheckIntervalMs: number;
  /** `offset.metadata.max.bytes` */
  readonly offsetMetadataMaxBytes: number;
}

/** Reads the keys from the broker's configuration, or from anything that gives numbers by key. */
export function groupConfigOf(config: {
  number(key: (typeof GROUP_CONFIG_KEYS)[keyof GroupConfig]): number;
}): GroupConfig {
  const entries = Object.entries(GROUP_CONFIG_KEYS).map(([name, key]) => [name, config.number(key)]);
  return Object.fromEntries(entries) as GroupConfig;
}

const GROUP_CONFIG_KEYS = {
  minSessionTimeoutMs: 'group.min.session.timeout.ms',
  maxSessionTimeoutMs: 'group.max.session.timeout.ms',
  initialRebalanceDelayMs: 'group.initial.rebalance.delay.ms',
  maxSize: 'group.max.size',
  offsetsRetentionMinutes: 'offsets.retention.minutes',
  offsetsRetentionCheckIntervalMs: 'offsets.retention.check.interval.ms',
  offsetMetadataMaxBytes: 'offset.metadata.max.bytes',
} as const satisfies Record<keyof GroupConfig, string>;
