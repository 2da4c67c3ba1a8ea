import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { topic } from './topics.mjs';

// What writes and reads records: console, verifiable and measuring producers and consumers, kafka-get-offsets,
// kafka-delete-records.

const CONSOLE_PRODUCER = 'org.apache.kafka.tools.ConsoleProducer';
const CONSOLE_CONSUMER = 'org.apache.kafka.tools.consumer.ConsoleConsumer';
const tool = (name, words, more = {}) => ({
  tool: `org.apache.kafka.tools.${name}`,
  args: (servers) => ['--bootstrap-server', servers, ...words.split(' ')],
  ...more,
});

const produce = (words, input) => ({
  name: `console-producer ${words}`,
  tool: CONSOLE_PRODUCER,
  args: (servers) => ['--bootstrap-server', servers, ...words.split(' ')],
  input,
  hide: [
    [/^>+$/, '>'],
    [/^>*(?=\S)/, ''],
  ],
});
const consume = (words, more = {}) => ({
  name: `console-consumer ${words}`,
  tool: CONSOLE_CONSUMER,
  args: (servers) => ['--bootstrap-server', servers, ...words.split(' ')],
  ...more,
});
const offsets = (words, more = {}) => tool('GetOffsetShell', words, { name: `get-offsets ${words}`, ...more });
const lines = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => `${from + i}:value-${from + i}\n`).join('');
const keyed = '--reader-property parse.key=true --reader-property key.separator=:';
const shown =
  '--formatter-property print.key=true --formatter-property print.offset=true --formatter-property print.partition=true';

const deletion = (name, content, more = {}) => ({
  name: `delete-records ${name}`,
  tool: 'org.apache.kafka.tools.DeleteRecordsCommand',
  before: ({ folder }) =>
    writeFileSync(join(folder, 'delete.json'), JSON.stringify({ version: 1, partitions: content })),
  args: (servers, { folder }) => [
    '--bootstrap-server',
    servers,
    '--offset-json-file',
    join(folder ?? '', 'delete.json'),
  ],
  ...more,
});

const figures = [[/\d+(\.\d+)?/g, 'N']];

const cleaned = {
  ...consume(`--topic squeezed --from-beginning --timeout-ms 1500 ${shown}`),
  ready: ({ stdout }) => stdout.match(/Offset:/g)?.length === 9,
};

/** A compacted topic: what the cleaner leaves, for readers here and for kafka-dump-log later. */
export const compaction = [
  topic(
    '--create --topic squeezed --config cleanup.policy=compact --config segment.ms=1 ' +
      '--config min.cleanable.dirty.ratio=0.01 --config delete.retention.ms=100000',
  ),
  produce(`--topic squeezed ${keyed}`, lines(1, 8)),
  produce(`--topic squeezed --compression-codec gzip ${keyed}`, lines(3, 7)),
  produce(`--topic squeezed ${keyed}`, `4:new\n6:new\n`),
  produce(`--topic squeezed ${keyed} --reader-property null.marker=GONE`, '5:GONE\n'),
  // The last one stays in a segment that is not cleaned.
  produce(`--topic squeezed ${keyed}`, '1:newest\n'),
  { ...cleaned, name: 'console-consumer of a compacted topic', until: cleaned, keep: /^(?!.*TimeoutException)/ },
];

export const records = [
  produce(`--topic orders ${keyed}`, lines(1, 40)),
  produce(`--topic plain --compression-codec zstd ${keyed}`, lines(1, 5)),
  produce(`--topic plain --compression-codec lz4 ${keyed} --producer-property acks=1`, lines(6, 10)),
  produce(`--topic plain --compression-codec snappy ${keyed} --producer-property acks=all`, lines(11, 12)),
  produce(
    `--topic plain --compression-codec gzip ${keyed} --producer-property enable.idempotence=false`,
    lines(13, 15),
  ),
  produce(`--topic made-by-asking ${keyed}`, lines(1, 1)),
  consume(`--topic plain --from-beginning --max-messages 15 ${shown}`),
  consume(`--topic orders --from-beginning --max-messages 40 ${shown}`, { sort: true }),
  consume(`--topic plain --partition 0 --offset 12 --max-messages 3 ${shown}`),
  consume('--topic plain --from-beginning --max-messages 15 --isolation-level read_committed'),
  consume(`--topic orders --from-beginning --max-messages 40 --group console`, { sort: true }),
  consume('--topic plain --from-beginning --timeout-ms 1500 --group console-15', {
    hide: [[/^\[.*?\] /, '']],
    keep: /^(exit|value|Processed)/,
  }),
  consume('--topic plain --partition 7 --offset 0 --timeout-ms 1000', { errorKind: true }),
  offsets('', { args: (servers) => ['--bootstrap-server', servers], keep: /^(exit|orders|plain|kept)/ }),
  offsets('--topic orders'),
  offsets('--topic orders --time -1'),
  offsets('--topic plain --time earliest'),
  // Which of the last records has the greatest time is chance.
  offsets('--topic plain --time -3', { hide: [[/:1\d$/, ':N']] }),
  offsets('--topic plain --time -4'),
  offsets('--topic plain --time -5'),
  offsets('--topic plain --time earliest-pending-upload'),
  offsets('--topic plain --time 1'),
  offsets('--topic plain --time 99999999999999'),
  offsets('--topic-partitions orders:0,orders:2,plain:0'),
  offsets('--topic orders --partitions 1,2'),
  offsets('--topic nowhere', { errorKind: true }),
  deletion('up to an offset', [{ topic: 'plain', partition: 0, offset: 4 }]),
  offsets('--topic plain --time earliest', { name: 'get-offsets after deletion' }),
  consume(`--topic plain --from-beginning --max-messages 11 ${shown}`, { name: 'console-consumer after deletion' }),
  deletion('of all', [{ topic: 'orders', partition: 3, offset: -1 }]),
  deletion('beyond the end', [{ topic: 'plain', partition: 0, offset: 999 }], { errorKind: true }),
  deletion('of a compacted topic', [{ topic: 'kept', partition: 0, offset: 0 }], { errorKind: true }),
  deletion('of a partition that there is not', [{ topic: 'plain', partition: 9, offset: 0 }], { errorKind: true }),
  deletion(
    'twice the same',
    [
      { topic: 'plain', partition: 0, offset: 1 },
      { topic: 'plain', partition: 0, offset: 2 },
    ],
    { errorKind: true },
  ),
  topic('--create --topic load --partitions 2'),
  tool('VerifiableProducer', '--topic load --max-messages 20 --throughput -1', {
    name: 'verifiable-producer',
    // Which partition a record without a key goes to is chance.
    hide: [[/"(timestamp|avg_throughput|offset|partition)":[\d.]+/g, '"$1":N']],
    sort: true,
  }),
  tool('VerifiableConsumer', '--topic load --group-id verifiable --max-messages 20 --reset-policy earliest', {
    name: 'verifiable-consumer',
    // How many polls it takes is a matter of time.
    hide: [[/"timestamp":\d+/g, '"timestamp":N']],
    keep: /^exit|startup|assigned|shutdown/,
  }),
  tool('ProducerPerformance', '--topic load --num-records 2000 --record-size 100 --throughput -1 --print-metrics', {
    name: 'producer-perf-test',
    hide: figures,
    keep: /^exit|records sent/,
  }),
  tool('ConsumerPerformance', '--topic load --num-records 1000 --group perf --timeout 20000', {
    name: 'consumer-perf-test',
    hide: [...figures, [/^[N\-:, ./A-Z]+$/, 'FIGURES']],
  }),
  offsets('--topic load --time -3', { differs: true, contains: ['load:0:', 'load:1:'] }),
];
