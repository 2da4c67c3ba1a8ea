import { readdirSync } from 'node:fs';
import { join } from 'node:path';

// kafka-dump-log on the files of both.

const dump = (partition, extension, more = {}) => {
  const { flags = '', ...rest } = more;
  return {
    name: `dump-log ${partition} ${extension} ${flags}`.trim(),
    tool: 'org.apache.kafka.tools.DumpLogSegments',
    args: (_servers, { logs }) => [...flags.split(' ').filter(Boolean), '--files', fileOf(logs, partition, extension)],
    hide: [
      [/CreateTime: \d+/g, 'CreateTime: N'],
      [/(crc|size|position): \d+/g, '$1: N'],
      [/timestamp: \d+/g, 'timestamp: N'],
      [/OptionalLong\[\d+\]/g, 'OptionalLong[N]'],
      [/producerId: \d+/g, 'producerId: N'],
    ],
    ...rest,
  };
};

function fileOf(logs, partition, extension) {
  if (!logs) return partition;
  const folder = join(logs, partition);
  return join(
    folder,
    readdirSync(folder)
      .filter((name) => name.endsWith(extension))
      .sort()[0] ?? 'missing',
  );
}

/** Where the records of a group or a transactional id are. */
function partitionOf(group, topic = '__consumer_offsets') {
  let hash = 0;
  for (const char of group) hash = (Math.imul(31, hash) + char.charCodeAt(0)) | 0;
  return `${topic}-${Math.abs(hash) % 50}`;
}

/** How many records came before the producer was killed is chance; what follows the marker is not. */
const END_OF_STUCK = [
  /lastOffset: (\d+) lastStableOffset: (\d+)/g,
  (_, last, stable) => `lastOffset: N lastStableOffset: N+${Number(stable) - Number(last)}`,
];

const plain = (extension, more) => dump('plain-0', extension, more);

export const files = [
  plain('.log'),
  plain('.log', { flags: '--deep-iteration --print-data-log' }),
  plain('.index'),
  plain('.index', { flags: '--index-sanity-check' }),
  plain('.timeindex'),
  plain('.timeindex', { flags: '--index-sanity-check' }),
  plain('.log', { flags: '--verify-index-only' }),
  dump('orders-0', '.log', { flags: '--print-data-log' }),
  dump('load-0', '.log', { differs: true, contains: ['baseOffset: 0', 'isvalid: true'] }),
  dump(partitionOf('console'), '.log', {
    flags: '--offsets-decoder',
    hide: [
      [/(CreateTime|crc|size|position|valueSize): ?\d+/g, '$1: N'],
      [/"(commitTimestamp|currentStateTimestamp|expireTimestamp)":-?\d+/g, '"$1":N'],
      [/console-consumer-UUID|consumer-console-\d+-UUID/g, 'MEMBER'],
    ],
    differs: true,
    contains: ['"group":"console"', '"topic":"orders"'],
  }),
  dump('squeezed-0', '.log', { flags: '--print-data-log' }),
  dump('squeezed-0', '.log', { flags: '--verify-index-only' }),
  dump('squeezed-0', '.index', { flags: '--index-sanity-check' }),
  dump('squeezed-0', '.timeindex', { flags: '--index-sanity-check' }),
  dump('stuck-0', '.txnindex', { hide: [[/producerId: \d+/g, 'producerId: N'], END_OF_STUCK] }),
  dump('stuck-0', '.log', {
    flags: '--print-data-log',
    differs: true,
    contains: ['isTransactional: true', 'endTxnMarker: ABORT'],
  }),
  dump('stuck-0', '.snapshot', { differs: true, contains: ['producerId: N'] }),
  dump(partitionOf('finished', '__transaction_state'), '.log', {
    flags: '--transaction-log-decoder',
    differs: true,
    contains: ['"transactionalId":"finished"', '"transactionStatus":4'],
  }),
  dump('__cluster_metadata-0', '.log', {
    flags: '--cluster-metadata-decoder --skip-record-metadata',
    // The same topics come into being by the same records.
    hide: [[/"(topicId|directories|incarnationId)":("[^"]*"|\[[^\]]*\])/g, '"$1":ID']],
    keep: /^(exit|.*"TOPIC_RECORD"|.*"PARTITION_RECORD".*"partitionId":0)/,
    sort: true,
    differs: true,
    contains: ['"TOPIC_RECORD"', '"name":"orders"'],
  }),
];
