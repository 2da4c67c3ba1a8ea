/** What the broker's configuration says about transactions. */
export interface TransactionConfig {
  /** `transaction.max.timeout.ms` */
  readonly maxTimeoutMs: number;
  /** `transactional.id.expiration.ms` */
  readonly idExpirationMs: number;
  /** `transaction.abort.timed.out.transaction.cleanup.interval.ms` */
  readonly abortTimedOutIntervalMs: number;
  /** `transaction.remove.expired.transaction.cleanup.interval.ms` */
  readonly removeExpiredIntervalMs: number;
}

const TRANSACTION_CONFIG_KEYS = {
  maxTimeoutMs: 'transaction.max.timeout.ms',
  idExpirationMs: 'transactional.id.expiration.ms',
  abortTimedOutIntervalMs: 'transaction.abort.timed.out.transaction.cleanup.interval.ms',
  removeExpiredIntervalMs: 'transaction.remove.expired.transaction.cleanup.interval.ms',
} as const satisfies Record<keyof TransactionConfig, string>;

/** Reads the keys from the broker's configuration, or from anything that gives numbers by key. */
export function transactionConfigOf(config: {
  number(key: (typeof TRANSACTION_CONFIG_KEYS)[keyof TransactionConfig]): number;
}): TransactionConfig {
  const entries = Object.entries(TRANSACTION_CONFIG_KEYS).map(([name, key]) => [name, config.number(key)]);
  return Object.fromEntries(entries) as TransactionConfig;
}
