// kafka-topics, kafka-get-offsets for empty topics.

const TOPICS = 'org.apache.kafka.tools.TopicCommand';

export const topic = (words, more = {}) => ({
  tool: TOPICS,
  args: (servers) => ['--bootstrap-server', servers, ...words.split(' ')],
  ...more,
});
const fails = { errorKind: true };

export const topics = [
  topic('--list'),
  topic('--create --topic orders --partitions 3'),
  topic('--create --topic orders --partitions 3', fails),
  topic('--create --topic orders --if-not-exists'),
  topic('--create --topic plain --config index.interval.bytes=50'),
  topic('--create --topic kept --partitions 2 --config cleanup.policy=compact --config retention.ms=60000'),
  topic('--create --topic by.hand --replica-assignment 1,1'),
  topic('--create --topic by_hand', fails),
  topic('--create --topic odd --partitions 0', fails),
  topic('--create --topic odd --replication-factor 2', fails),
  topic('--create --topic odd --replica-assignment 7', fails),
  topic('--create --topic odd --config no.such.key=1', fails),
  topic('--create --topic odd --config retention.ms=soon', fails),
  topic('--create --topic bad/name', fails),
  topic('--list', { sort: true }),
  topic('--list --exclude-internal', { sort: true }),
  topic('--list --topic or.*'),
  topic('--describe', { sort: true }),
  topic('--describe --topic orders'),
  topic('--describe --topic kept'),
  topic('--describe --topic nowhere', fails),
  topic('--describe --topic nowhere --if-exists'),
  topic('--describe --topics-with-overrides', { sort: true }),
  topic('--describe --under-replicated-partitions'),
  topic('--describe --unavailable-partitions'),
  topic('--describe --at-min-isr-partitions', { sort: true }),
  topic('--describe --under-min-isr-partitions'),
  topic('--describe --topic orders --partition-size-limit-per-response 1'),
  topic('--alter --topic orders --partitions 4'),
  topic('--alter --topic orders --partitions 4', fails),
  topic('--alter --topic orders --partitions 2', fails),
  topic('--alter --topic nowhere --partitions 2', fails),
  topic('--alter --topic by.hand --partitions 3 --replica-assignment 1,1,1'),
  topic('--describe --topic orders'),
  topic('--delete --topic by.hand'),
  topic('--delete --topic by.hand', fails),
  topic('--delete --topic by.hand --if-exists'),
  topic('--list', { sort: true }),
];
