// `nestdaw/broker`: a Kafka broker in your own process.

export { Broker, type BrokerOptions } from './broker.js';
export type { BrokerHealth, BrokerMetrics, BrokerProblem } from './broker-metrics.js';
export type { CleanerMetrics, UncleanedLog } from './log/cleaner/log-cleaner.js';
export type { StorageMetrics } from './log/directory/storage-counters.js';
