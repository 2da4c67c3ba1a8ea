// Batches that our producer packs, unpacked by Java's consumer, and the other way round, with every codec.
//
//   node codecs.mjs <class path> <servers> <topic> <transactions>
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const [classPath, servers, topic] = process.argv.slice(2);
const from = (path) => import(new URL(`../../dist/esm/${path}`, import.meta.url).href);
const { KafkajsCluster } = await from('runtime/client/cluster/kafkajs-cluster.js');
const { GroupConsumer } = await from('runtime/client/consumer/group-consumer.js');
const { KafkaProducer } = await from('runtime/client/producer/kafka-producer.js');
const { CreateTopics } = await from('protocol/messages/index.js');

const COUNT = 1_000;
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const keyOf = (i) => `k${i}`;
const textOf = (i) => `${i}-${'žluť'.repeat(i % 200)}`;
const LINES = Array.from({ length: COUNT }, (_, i) => `${i} ${keyOf(i)} ${textOf(i)}`);
const open = () => new KafkajsCluster({ bootstrapServers: [servers], clientId: 'codecs' });

async function java(...args) {
  const options = { maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await promisify(execFile)('java', ['-Xmx256m', '-cp', classPath, 'Codecs', ...args], options);
  return stdout;
}

async function create(names) {
  const cluster = open();
  await cluster.connect();
  const answer = await cluster.send(cluster.nodes()[0].nodeId, CreateTopics, 5, {
    topics: names.map((name) => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] })),
    timeoutMs: 10_000,
    validateOnly: false,
  });
  const refused = answer.topics.find(({ errorCode }) => errorCode !== 0);
  if (refused) throw new Error(`topic ${refused.name}: error ${refused.errorCode}`);
  await cluster.close();
}

/** Half of the values as text, half as bytes. */
async function write(name, compressionType) {
  const producer = new KafkaProducer({
    cluster: open(),
    options: { compressionType, lingerMs: 50, batchSize: 65_536 },
  });
  await producer.start();
  await Promise.all(
    LINES.map((_, i) => {
      const value = i % 2 === 0 ? textOf(i) : Buffer.from(textOf(i));
      return producer.send(name, 0, { key: keyOf(i), value });
    }),
  );
  const packed = producer.metrics()['compression-rate-avg'];
  if (compressionType === 'none' ? packed !== 1 : packed > 0.5) throw new Error(`${compressionType}: rate ${packed}`);
  await producer.stop();
}

async function read(name) {
  const consumer = new GroupConsumer({
    groupId: `${name}-readers`,
    topics: [name],
    createCluster: open,
    autoOffsetReset: 'earliest',
  });
  await consumer.start({ onAssigned() {}, onRevoked() {}, onLost() {} });
  const lines = [];
  for (const deadline = Date.now() + 30_000; lines.length < COUNT && Date.now() < deadline; ) {
    for (const { records } of await consumer.poll({ maxRecords: 5_000, maxWaitMs: 500 })) {
      for (const { offset, key, value } of records) lines.push(`${offset} ${key} ${value}`);
    }
  }
  await consumer.stop();
  return lines;
}

function same(what, lines) {
  const wrong = LINES.findIndex((line, i) => line !== lines[i]);
  if (wrong < 0 && lines.length === COUNT) return;
  throw new Error(`${what}: ${lines.length} of ${COUNT} records, the first wrong one is ${wrong}: ${lines[wrong]}`);
}

await create(CODECS.flatMap((codec) => [`${topic}-${codec}-ours`, `${topic}-${codec}-java`]));
for (const codec of CODECS) {
  const [ours, theirs] = [`${topic}-${codec}-ours`, `${topic}-${codec}-java`];
  await write(ours, codec);
  same(`${codec}, ours read by Java`, (await java('read', servers, ours, codec, COUNT)).trimEnd().split('\n'));
  await java('write', servers, theirs, codec, COUNT);
  same(`${codec}, Java's read by us`, await read(theirs));
}
console.log(`codecs: ${CODECS.join(', ')}, each ${COUNT} records from us to Java and from Java to us`);
