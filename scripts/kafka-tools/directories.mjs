import { reassign, tool } from './admin.mjs';
import { topic } from './topics.mjs';

// Several log.dirs: partitions are taken from one to another with kafka-reassign-partitions, and looked for there. Both
// brokers were started anew with a second directory beside the first.

const fails = { errorKind: true };
const SETTLES = 40;

/** The partitions of "moved" are to lie in these, named from the first directory. */
const into =
  (...places) =>
  ({ logs }) => ({
    version: 1,
    partitions: places.map((place, partition) => ({
      topic: 'moved',
      partition,
      replicas: [1],
      log_dirs: [place === 'any' ? place : `${logs}${place}`],
    })),
  });

const verify = (content, more = {}) =>
  reassign('--verify', content, {
    tries: SETTLES,
    ready: ({ stdout }) => !stdout.includes('still in progress'),
    ...more,
  });

/** Where the partitions of "moved" lie; one line for each. */
const whereabouts = (words = '') =>
  tool('LogDirsCommand', `--describe --topic-list moved${words}`, {
    hide: [
      [/"(total|usable)Bytes":\d+,?/g, ''],
      [/^\{.*/, (json) => placesIn(json)],
    ],
  });

function placesIn(json) {
  const [{ logDirs }] = JSON.parse(json.replace(/,\}/g, '}').replace(/,\]/g, ']')).brokers;
  const lines = logDirs.flatMap(({ logDir, error, partitions }) => [
    `${logDir} ${error}`,
    ...partitions.map(
      ({ partition, size, offsetLag, isFuture }) => `${logDir} ${partition} ${size} ${offsetLag} ${isFuture}`,
    ),
  ]);
  return lines.sort().join('; ');
}

const records = (words, more) => ({
  tool: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  args: (servers) => ['--bootstrap-server', servers, '--topic', 'moved', ...words.split(' ')],
  ...more,
});

export const directories = [
  topic('--create --topic moved --partitions 2 --config index.interval.bytes=50'),
  // Apache Kafka answers before the partitions lie anywhere.
  tool('LogDirsCommand', '--describe --topic-list moved', {
    name: 'the partitions are there',
    tries: SETTLES,
    ready: ({ stdout }) => ['moved-0', 'moved-1'].every((name) => stdout.includes(name)),
    keep: /^exit/,
  }),
  reassign('--execute', into('', '')),
  verify(into('', '')),
  {
    tool: 'org.apache.kafka.tools.ConsoleProducer',
    args: (servers) => ['--bootstrap-server', servers, '--topic', 'moved', '--property', 'parse.key=true'],
    input: Array.from({ length: 40 }, (_, i) => `key-${i}\tvalue ${i}\n`).join(''),
  },
  whereabouts(),
  reassign('--execute', into('-more', '')),
  verify(into('-more', '')),
  whereabouts(),
  whereabouts(' --broker-list 1'),
  // What is there already, one there and one on its way.
  reassign('--execute', into('-more', '-more')),
  verify(into('-more', '-more')),
  whereabouts(),
  reassign('--execute --replica-alter-log-dirs-throttle 10000000', into('', '-more')),
  verify(into('', '-more'), { name: 'the throttle goes with the move' }),
  whereabouts(),
  reassign('--execute', into('any', 'any')),
  verify(into('any', 'any')),
  reassign('--list'),
  reassign('--execute', into('-nowhere', ''), { ...fails, name: 'a directory that log.dirs does not name' }),
  verify(into('-nowhere', ''), { name: 'a move to nowhere, beside one that goes on' }),
  reassign('--verify', into('-more', '-more'), { name: 'a move that nobody began' }),
  reassign('--cancel', into('', '-more')),
  reassign(
    '--execute',
    { version: 1, partitions: [{ topic: 'moved', partition: 0, replicas: [1], log_dirs: [] }] },
    { ...fails, name: 'no directory for a replica' },
  ),
  reassign(
    '--execute',
    ({ logs }) => ({ version: 1, partitions: [{ topic: 'moved', partition: 9, replicas: [1], log_dirs: [logs] }] }),
    { ...fails, name: 'a partition that does not exist' },
  ),
  reassign('--generate --broker-list 1', { version: 1, topics: [{ topic: 'moved' }] }),
  tool('GetOffsetShell', '--topic moved', { sort: true }),
  records('--from-beginning --max-messages 40 --timeout-ms 20000', { sort: true }),
  topic('--delete --topic moved'),
];
