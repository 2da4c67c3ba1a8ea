import { CLUSTER_KEYS } from './cluster-keys.js';
import {
  bool,
  type ConfigTable,
  checked,
  double,
  dynamic,
  int,
  internal,
  list,
  long,
  MAX_INT,
  MAX_LONG,
  short,
  str,
} from './config-key.js';
import { GROUP_PROTOCOL_KEYS } from './group-protocol-keys.js';
import { REMOTE_STORAGE_KEYS } from './remote-storage-keys.js';
import { SECURITY_KEYS } from './security-keys.js';

// The broker's keys under Kafka's own names, with Kafka 4.3's defaults. Keys that cannot act on one node are here
// too: tools set them, and the same file must start a cluster.

const CODECS = ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'];
const NO_EFFECT = 'Accepted for compatibility; no effect here.';
const CLASSIC_GROUPS = 'Accepted for compatibility; groups use the classic protocol.';

function gzipLevel(value: string): string | undefined {
  return Number(value) === 0 ? 'must be -1, or 1 to 9' : undefined;
}

const GENERAL = {
  'node.id': int(1, 'Number of this node.', { min: 0 }),
  'broker.id': int(-1, 'Older name of node.id.'),
  'log.dirs': list(
    '',
    'Directories of the data, one for each disk; win over log.dir. The metadata log is in the first.',
  ),
  'log.dir': str(null, 'Directory of the data.'),
  listeners: list('PLAINTEXT://:9092', 'Address to listen on, NAME://host:port. One listener, plain text.'),
  'advertised.listeners': list('', 'Address that clients are told to connect to; the one they came by when empty.'),
  'listener.security.protocol.map': str(
    'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'Security protocol of each listener name.',
  ),
  'inter.broker.listener.name': str(null, NO_EFFECT),
  'process.roles': list('broker,controller', NO_EFFECT, ['broker', 'controller']),
  'controller.listener.names': list('', 'Names of listeners that only controllers use: they are not opened.'),
  'controller.quorum.voters': list('', NO_EFFECT),
  'controller.quorum.bootstrap.servers': list('', NO_EFFECT),
  'num.partitions': int(1, 'Partitions of a topic that is created without a number.', { min: 1 }),
  'default.replication.factor': int(1, 'Replication factor of topics created without one; one node holds one copy.', {
    min: 1,
  }),
  'auto.create.topics.enable': bool(true, 'Whether asking for a topic that does not exist creates it.'),
  'delete.topic.enable': bool(true, 'Whether topics may be deleted.'),
  'min.insync.replicas': dynamic(int(1, 'Copies that acks=all waits for; one node has one.', { min: 1 })),
  'unclean.leader.election.enable': dynamic(bool(false, NO_EFFECT)),
  'auto.leader.rebalance.enable': bool(true, NO_EFFECT),
  'leader.imbalance.check.interval.seconds': long(300, NO_EFFECT, { min: 1 }),
  'compression.type': dynamic(
    str('producer', 'Codec in which batches are stored; producer keeps the one in which they come.', CODECS),
  ),
  'compression.gzip.level': dynamic(
    checked(int(-1, 'Level where gzip is the codec of storage.', { min: -1, max: 9 }), gzipLevel),
  ),
  'compression.lz4.level': dynamic(int(9, NO_EFFECT, { min: 1, max: 17 })),
  'compression.zstd.level': dynamic(int(3, 'Level where zstd is the codec of storage.', { min: -131072, max: 22 })),
  'background.threads': dynamic(int(10, NO_EFFECT, { min: 1 })),
  'num.network.threads': dynamic(int(3, NO_EFFECT, { min: 1 })),
  'num.io.threads': dynamic(int(8, NO_EFFECT, { min: 1 })),
  'num.recovery.threads.per.data.dir': dynamic(int(2, NO_EFFECT, { min: 1 })),
  'metadata.log.max.record.bytes.between.snapshots': long(
    20971520,
    'Bytes of the metadata log after which its content is written as a snapshot and dropped.',
    { min: 1 },
  ),
  'metadata.log.max.snapshot.interval.ms': long(
    3600000,
    'Time after which changes of the metadata are written as a snapshot; 0 leaves it to the size.',
    { min: 0 },
  ),
  'replica.fetch.max.bytes': int(1048576, NO_EFFECT, { min: 0 }),
} satisfies ConfigTable;

const NETWORK = {
  'message.max.bytes': dynamic(int(1048588, 'Largest record batch, its 12 bytes of overhead included.', { min: 0 })),
  'fetch.max.bytes': int(57671680, 'Upper limit of the data in one fetch response.', { min: 1024 }),
  'max.incremental.fetch.session.cache.slots': int(1000, 'Fetch sessions kept at once; 0 keeps none.', {
    min: 0,
  }),
  'max.request.partition.size.limit': int(2000, 'Partitions in one answer of DescribeTopicPartitions.', { min: 1 }),
  'socket.request.max.bytes': int(104857600, 'Largest request; a larger one closes its connection.', { min: 1 }),
  'socket.send.buffer.bytes': int(102400, NO_EFFECT, { min: -1 }),
  'socket.receive.buffer.bytes': int(102400, NO_EFFECT, { min: -1 }),
  'socket.listen.backlog.size': int(50, 'Connections that may wait to be accepted.', { min: 1 }),
  'connections.max.idle.ms': long(600000, 'A connection without a byte for so long is closed; -1 keeps it.'),
  'max.connections': dynamic(int(MAX_INT, 'Connections at once; further ones are closed.', { min: 0 })),
  'max.connections.per.ip': dynamic(int(MAX_INT, 'Connections at once from one address.', { min: 0 })),
  'max.connection.creation.rate': dynamic(int(MAX_INT, NO_EFFECT, { min: 0 })),
  'queued.max.requests': int(500, 'Requests that may wait on one connection before it is no longer read.', { min: 1 }),
  'queued.max.request.bytes': long(-1, 'Bytes that may wait on one connection before it is no longer read.'),
  'request.timeout.ms': int(30000, NO_EFFECT, { min: 0 }),
} satisfies ConfigTable;

const LOG = {
  'log.segment.bytes': dynamic(int(1073741824, 'Size at which a segment is closed.', { min: 1048576 })),
  'log.roll.ms': dynamic(long(null, 'Age at which a segment is closed; wins over log.roll.hours.', { min: 1 })),
  'log.roll.hours': int(168, 'Age at which a segment is closed.', { min: 1 }),
  'log.roll.jitter.ms': dynamic(long(null, 'Random part taken off log.roll.ms.', { min: 0 })),
  'log.roll.jitter.hours': int(0, 'Random part taken off log.roll.hours.', { min: 0 }),
  'log.retention.ms': dynamic(long(null, 'Age at which records are deleted; -1 never. Wins over minutes and hours.')),
  'log.retention.minutes': int(null, 'Age at which records are deleted; wins over hours.'),
  'log.retention.hours': int(168, 'Age at which records are deleted.'),
  'log.retention.bytes': dynamic(long(-1, 'Size of a partition above which old segments are deleted; -1 never.')),
  'log.retention.check.interval.ms': long(300000, 'Time between two searches for what may be deleted.', { min: 1 }),
  'log.cleanup.policy': dynamic(
    list('delete', 'What happens to old records: delete by age and size; compact keeps the last of each key.', [
      'delete',
      'compact',
    ]),
  ),
  'log.index.interval.bytes': dynamic(int(4096, 'Bytes of data between two entries of the index.', { min: 0 })),
  'log.index.size.max.bytes': dynamic(int(10485760, 'Size of an index at which its segment is closed.', { min: 4 })),
  'log.flush.interval.messages': dynamic(long(MAX_LONG, 'Records after which a partition is synced.', { min: 1 })),
  'log.flush.interval.ms': dynamic(long(null, 'Time after which written records are synced.', { min: 0 })),
  'log.flush.scheduler.interval.ms': long(MAX_LONG, NO_EFFECT),
  'log.flush.offset.checkpoint.interval.ms': int(60000, 'Time between two checkpoints of what is synced.', { min: 0 }),
  'log.flush.start.offset.checkpoint.interval.ms': int(60000, NO_EFFECT, {
    min: 0,
  }),
  'log.segment.delete.delay.ms': dynamic(long(60000, 'Time that deleted files are kept.', { min: 0 })),
  'log.preallocate': dynamic(bool(false, NO_EFFECT)),
  'log.message.timestamp.type': dynamic(
    str('CreateTime', 'Whose time a record carries.', ['CreateTime', 'LogAppendTime']),
  ),
  'log.message.timestamp.before.max.ms': dynamic(long(MAX_LONG, 'How old a record may be when it comes.', { min: 0 })),
  'log.message.timestamp.after.max.ms': dynamic(long(3600000, 'How far ahead its time may be.', { min: 0 })),
  'log.initial.task.delay.ms': internal(long(30000, NO_EFFECT, { min: 0 })),
  'log.cleaner.enable': bool(true, 'Whether compacted topics are compacted.'),
  'log.cleaner.threads': dynamic(int(1, NO_EFFECT, { min: 0 })),
  'log.cleaner.dedupe.buffer.size': dynamic(
    long(134217728, 'Memory for the keys of one cleaning; what does not fit is left for the next one.'),
  ),
  'log.cleaner.io.buffer.size': dynamic(int(524288, NO_EFFECT, { min: 0 })),
  'log.cleaner.io.buffer.load.factor': dynamic(double(0.9, 'Share of log.cleaner.dedupe.buffer.size that is used.')),
  'log.cleaner.io.max.bytes.per.second': dynamic(
    double('1.7976931348623157E308', 'Bytes that cleaning reads and writes in a second.'),
  ),
  'log.cleaner.backoff.ms': dynamic(long(15000, 'Time between two searches for what may be compacted.', { min: 0 })),
  'log.cleaner.min.cleanable.ratio': dynamic(
    double(0.5, 'Share of a log that must be dirty before it is cleaned.', { min: 0, max: 1 }),
  ),
  'log.cleaner.delete.retention.ms': dynamic(long(86400000, 'Time for which a tombstone is kept.', { min: 0 })),
  'log.cleaner.min.compaction.lag.ms': dynamic(long(0, 'Age below which records are not compacted.', { min: 0 })),
  'log.cleaner.max.compaction.lag.ms': dynamic(
    long(MAX_LONG, 'Age at which records of a compacted topic are cleaned, however few they are.', { min: 1 }),
  ),
} satisfies ConfigTable;

const COORDINATORS = {
  'offsets.topic.num.partitions': int(50, 'Partitions of __consumer_offsets, when it is created.', { min: 1 }),
  'offsets.topic.replication.factor': short(3, 'Its replication factor; one node holds one copy.', { min: 1 }),
  'offsets.topic.segment.bytes': int(104857600, 'Its size of segments.', { min: 1048576 }),
  'offsets.topic.compression.codec': int(0, NO_EFFECT, { min: 0, max: 4 }),
  'offset.metadata.max.bytes': int(4096, 'Longest metadata of a committed offset.', { min: 0 }),
  'offsets.retention.minutes': int(10080, 'Time that the offsets of an empty group are kept.', { min: 1 }),
  'offsets.retention.check.interval.ms': long(600000, 'Time between two searches for expired offsets.', { min: 1 }),
  'offsets.commit.timeout.ms': int(5000, NO_EFFECT, { min: 1 }),
  'group.initial.rebalance.delay.ms': int(3000, 'Time that a new group waits for further members.', { min: 0 }),
  'group.min.session.timeout.ms': int(6000, 'Shortest session time-out a member may ask for.', { min: 0 }),
  'group.max.session.timeout.ms': int(1800000, 'Longest session time-out a member may ask for.', { min: 0 }),
  'group.max.size': int(MAX_INT, 'Members of one group.', { min: 1 }),
  'group.consumer.session.timeout.ms': int(45000, CLASSIC_GROUPS, { min: 1 }),
  'group.consumer.heartbeat.interval.ms': int(5000, CLASSIC_GROUPS, { min: 1 }),
  'group.consumer.max.size': int(MAX_INT, CLASSIC_GROUPS, { min: 1 }),
  'group.consumer.assignors': list('uniform,range', CLASSIC_GROUPS),
  'transaction.max.timeout.ms': int(900000, 'Longest time-out that a transactional producer may ask for.', { min: 1 }),
  'transactional.id.expiration.ms': int(604800000, 'Time after which an idle transactional id is forgotten.', {
    min: 1,
  }),
  'transaction.state.log.num.partitions': int(50, 'Partitions of __transaction_state, when it is created.', { min: 1 }),
  'transaction.state.log.replication.factor': short(3, 'Its replication factor; one node holds one copy.', { min: 1 }),
  'transaction.state.log.min.isr': int(2, 'Its min.insync.replicas; one node holds one copy.', { min: 1 }),
  'transaction.state.log.segment.bytes': int(104857600, 'Its size of segments.', { min: 1048576 }),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int(
    10000,
    'Time between two searches for transactions that are open for too long.',
    { min: 1 },
  ),
  'transaction.remove.expired.transaction.cleanup.interval.ms': int(
    3600000,
    'Time between two searches for transactional ids that expired.',
    { min: 1 },
  ),
  'transaction.partition.verification.enable': dynamic(
    bool(true, 'Whether a batch of a transaction is refused where its partition is not part of it.'),
  ),
  'producer.id.expiration.ms': dynamic(int(86400000, 'Time after which an idle producer is forgotten.', { min: 1 })),
  'producer.id.expiration.check.interval.ms': internal(
    int(600000, 'Time between two looks for idle producers.', { min: 1 }),
  ),
  'share.coordinator.state.topic.replication.factor': short(3, NO_EFFECT, { min: 1 }),
  'share.coordinator.state.topic.min.isr': short(2, NO_EFFECT, { min: 1 }),
  'quota.window.num': int(11, NO_EFFECT, { min: 1 }),
  'quota.window.size.seconds': int(1, NO_EFFECT, { min: 1 }),
} satisfies ConfigTable;

/** Every key of the broker. */
export const BROKER_KEYS = {
  ...CLUSTER_KEYS,
  ...GROUP_PROTOCOL_KEYS,
  ...REMOTE_STORAGE_KEYS,
  ...SECURITY_KEYS,
  ...GENERAL,
  ...NETWORK,
  ...LOG,
  ...COORDINATORS,
};
export type BrokerKey = keyof typeof BROKER_KEYS;
