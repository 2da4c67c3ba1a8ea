import { bool, type ConfigTable, checked, dynamic, int, javaClass, list, long, str, unset } from './config-key.js';

// Keys of clusters: quorums, replication, metrics, and what Kafka runs of other people's Java classes. One node has
// little use for them, but the file that starts a cluster must start this broker too.

const NO_EFFECT = 'Accepted for compatibility; no effect here.';
const ONE_VOTER = 'Accepted for compatibility; the quorum is this node alone.';
const ONE_COPY = 'Accepted for compatibility; one node has nothing to replicate.';
const NO_JAVA = 'Must stay empty: Java classes are not run here.';
const ONE_DIRECTORY = 'Must stay empty: there is one data directory, which cannot be taken out of use.';

/** `address:count` pairs; host names are not looked up. */
function addressCounts(value: string): string | undefined {
  const pairs = value === '' ? [] : value.split(',');
  return pairs.every((pair) => /^\s*\S+:\d+\s*$/.test(pair)) ? undefined : 'must be address:count, address:count';
}

export const CLUSTER_KEYS = {
  'broker.heartbeat.interval.ms': int(2000, ONE_VOTER),
  'broker.rack': str(null, ONE_VOTER),
  'broker.session.timeout.ms': int(9000, ONE_VOTER),
  'controlled.shutdown.enable': bool(true, ONE_VOTER),
  'controller.quorum.append.linger.ms': int(25, ONE_VOTER, { min: 0 }),
  'controller.quorum.auto.join.enable': bool(false, ONE_VOTER),
  'controller.quorum.election.backoff.max.ms': int(1000, ONE_VOTER, { min: 0 }),
  'controller.quorum.election.timeout.ms': int(1000, ONE_VOTER, { min: 0 }),
  'controller.quorum.fetch.max.bytes': int(1048576, ONE_VOTER, { min: 1 }),
  'controller.quorum.fetch.snapshot.max.bytes': int(1048576, ONE_VOTER, { min: 1 }),
  'controller.quorum.fetch.timeout.ms': int(2000, ONE_VOTER, { min: 0 }),
  'controller.quorum.request.timeout.ms': int(2000, ONE_VOTER, { min: 0 }),
  'controller.quorum.retry.backoff.ms': int(20, ONE_VOTER, { min: 0 }),
  'controller.quota.window.num': int(11, ONE_VOTER, { min: 1 }),
  'controller.quota.window.size.seconds': int(1, ONE_VOTER, { min: 1 }),
  'controller.socket.timeout.ms': int(30000, ONE_VOTER),
  'initial.broker.registration.timeout.ms': int(60000, ONE_VOTER),
  'metadata.log.dir': str(null, ONE_VOTER),
  'metadata.log.max.record.bytes.between.snapshots': long(20971520, ONE_VOTER, { min: 1 }),
  'metadata.log.max.snapshot.interval.ms': long(3600000, ONE_VOTER, { min: 0 }),
  'metadata.log.segment.bytes': int(1073741824, ONE_VOTER, { min: 8388608 }),
  'metadata.log.segment.ms': long(604800000, ONE_VOTER),
  'metadata.max.idle.interval.ms': int(500, ONE_VOTER, { min: 0 }),
  'metadata.max.retention.bytes': long(104857600, ONE_VOTER),
  'metadata.max.retention.ms': long(604800000, ONE_VOTER),
  'alter.log.dirs.replication.quota.window.num': int(11, ONE_COPY, { min: 1 }),
  'alter.log.dirs.replication.quota.window.size.seconds': int(1, ONE_COPY, { min: 1 }),
  'auto.leader.rebalance.enable': bool(true, ONE_COPY),
  'leader.imbalance.check.interval.seconds': long(300, ONE_COPY, { min: 1 }),
  'num.replica.alter.log.dirs.threads': int(null, ONE_COPY),
  'num.replica.fetchers': dynamic(int(1, ONE_COPY, { min: 1 })),
  'replica.fetch.backoff.ms': int(1000, ONE_COPY, { min: 0 }),
  'replica.fetch.min.bytes': int(1, ONE_COPY),
  'replica.fetch.response.max.bytes': int(10485760, ONE_COPY, { min: 0 }),
  'replica.fetch.wait.max.ms': int(500, ONE_COPY),
  'replica.high.watermark.checkpoint.interval.ms': long(5000, ONE_COPY),
  'replica.lag.time.max.ms': long(30000, ONE_COPY),
  'replica.selector.class': str(null, ONE_COPY),
  'replica.socket.receive.buffer.bytes': int(65536, ONE_COPY),
  'replica.socket.timeout.ms': int(30000, ONE_COPY),
  'replication.quota.window.num': int(11, ONE_COPY, { min: 1 }),
  'replication.quota.window.size.seconds': int(1, ONE_COPY, { min: 1 }),
  'kafka.metrics.polling.interval.secs': int(10, NO_EFFECT, { min: 1 }),
  'kafka.metrics.reporters': list('', NO_EFFECT),
  'metric.reporters': dynamic(list('org.apache.kafka.common.metrics.JmxReporter', NO_EFFECT)),
  'metrics.num.samples': int(2, NO_EFFECT, { min: 1 }),
  'metrics.recording.level': str('INFO', NO_EFFECT),
  'metrics.sample.window.ms': long(30000, NO_EFFECT, { min: 1 }),
  'telemetry.max.bytes': int(1048576, NO_EFFECT, { min: 1 }),
  'add.partitions.to.txn.retry.backoff.max.ms': int(100, NO_EFFECT, { min: 0 }),
  'add.partitions.to.txn.retry.backoff.ms': int(20, NO_EFFECT, { min: 1 }),
  'alter.config.policy.class.name': unset(javaClass(null, NO_JAVA), NO_JAVA),
  'client.quota.callback.class': unset(javaClass(null, NO_JAVA), NO_JAVA),
  'config.providers': unset(list('', NO_JAVA), NO_JAVA),
  'cordoned.log.dirs': unset(list('', ONE_DIRECTORY), ONE_DIRECTORY),
  'create.topic.policy.class.name': unset(javaClass(null, NO_JAVA), NO_JAVA),
  'delete.records.purgatory.purge.interval.requests': int(1, NO_EFFECT),
  'early.start.listeners': list(null, NO_EFFECT),
  'fetch.purgatory.purge.interval.requests': int(1000, NO_EFFECT),
  'log.dir.failure.timeout.ms': long(30000, NO_EFFECT, { min: 1 }),
  'max.connections.per.ip.overrides': dynamic(
    checked(str('', 'Connections at once from single addresses, address:count.'), addressCounts),
  ),
  'offsets.load.buffer.size': int(5242880, NO_EFFECT, { min: 1 }),
  'producer.purgatory.purge.interval.requests': int(1000, NO_EFFECT),
  'socket.connection.setup.timeout.max.ms': long(30000, NO_EFFECT),
  'socket.connection.setup.timeout.ms': long(10000, NO_EFFECT),
  'transaction.state.log.load.buffer.size': int(5242880, NO_EFFECT, { min: 1 }),
  'transaction.two.phase.commit.enable': bool(false, NO_EFFECT),
} satisfies ConfigTable;
