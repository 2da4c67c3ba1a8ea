// @platformatic/kafka: produces with its codecs, consumes in a group of two, commits, transacts. One line of result.
// Run with the packages below .clients/npm.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import zlib from 'node:zlib';

const [servers, topic, withTransactions, packages] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${packages}/index.js`));
const { Admin, Consumer, Producer, stringDeserializers, stringSerializers, ProduceAcks } = await import(
  pathToFileURL(require.resolve('@platformatic/kafka')).href
);
const { version } = JSON.parse(readFileSync(`${packages}/node_modules/@platformatic/kafka/package.json`, 'utf8'));

const PARTITIONS = 3;
const RECORDS = 300;
// It takes zstd from Node, which has it since 22.15.
const CODECS = ['none', 'gzip', 'snappy', 'lz4', ...('zstdCompressSync' in zlib ? ['zstd'] : [])];
const groupId = `${topic}-group`;
const base = { bootstrapBrokers: [servers], clientId: 'platformatic' };

function check(holds, what) {
  if (!holds) throw new Error(what);
}

async function produce() {
  const sent = new Set();
  for (const compression of CODECS) {
    const producer = new Producer({
      ...base,
      serializers: stringSerializers,
      idempotent: true,
      acks: ProduceAcks.ALL,
      compression,
    });
    for (let from = 0; from < RECORDS; from += 100) {
      const messages = Array.from({ length: 100 }, (_, i) => {
        const value = `${compression}-${from + i}-${'x'.repeat(100)}`;
        sent.add(value);
        return { topic, key: String((from + i) % 17), value };
      });
      const { offsets } = await producer.send({ messages });
      check(offsets.length > 0, 'no offsets');
    }
    await producer.close();
  }
  return sent;
}

const consumerOf = (more = {}) =>
  new Consumer({ ...base, groupId, deserializers: stringDeserializers, maxWaitTime: 200, ...more });

async function consumeInTwo(expected) {
  const seen = new Set();
  const members = new Set();
  const pair = [consumerOf(), consumerOf()];
  const positions = new Map();
  const enough = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${seen.size} of ${expected.size} consumed`)), 60_000);
    const look = () => {
      for (const [number, consumer] of pair.entries()) if (consumer.assignments?.length > 0) members.add(number);
      if (seen.size < expected.size || members.size < 2) return;
      clearTimeout(timer);
      clearInterval(looking);
      resolve();
    };
    const looking = setInterval(look, 50);
    for (const consumer of pair) {
      consumer
        .consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: false })
        .then((stream) => {
          stream.on('data', ({ value, partition, offset }) => {
            seen.add(value);
            if (offset >= (positions.get(partition) ?? 0n)) positions.set(partition, offset + 1n);
          });
          stream.on('error', reject);
        }, reject);
    }
  });
  await enough;
  for (const value of seen) check(expected.has(value), `${value} was never sent`);
  for (const consumer of pair) {
    const held = consumer.assignments.flatMap(({ partitions }) => partitions);
    const offsets = held
      .filter((partition) => positions.has(partition))
      .map((partition) => ({ topic, partition, offset: positions.get(partition), leaderEpoch: -1 }));
    if (offsets.length > 0) await consumer.commit({ offsets });
  }
  for (const consumer of pair) await consumer.close(true);
  return members.size;
}

async function committed() {
  const reader = consumerOf();
  const topics = [{ topic, partitions: Array.from({ length: PARTITIONS }, (_, i) => i) }];
  const sum = (offsets) => offsets.get(topic).reduce((total, offset) => total + Math.max(0, Number(offset)), 0);
  const done = sum(await reader.listCommittedOffsets({ topics }));
  const ends = sum(await reader.listOffsets({ topics: [topic] }));
  check(done === ends, `committed ${done} of ${ends}`);
  await reader.close(true);
  return done;
}

async function transact(admin) {
  const out = `${topic}-txn`;
  await admin.createTopics({ topics: [out], partitions: 1, replicas: 1 });
  const producer = new Producer({
    ...base,
    serializers: stringSerializers,
    idempotent: true,
    transactionalId: `${topic}-id`,
  });
  for (const outcome of ['kept', 'dropped', 'kept']) {
    const transaction = await producer.beginTransaction();
    await transaction.send({ messages: Array.from({ length: 10 }, () => ({ topic: out, value: outcome })) });
    if (outcome === 'kept') await transaction.commit();
    else await transaction.abort();
  }
  await producer.close();
  const reader = consumerOf({ groupId: `${topic}-read` });
  const stream = await reader.consume({ topics: [out], mode: 'earliest' });
  const values = [];
  const timer = setTimeout(() => stream.destroy(new Error(`${values.length} records`)), 20_000);
  for await (const { value } of stream) {
    values.push(value);
    if (values.length === 20) break;
  }
  clearTimeout(timer);
  check(
    values.every((value) => value === 'kept'),
    `read ${[...new Set(values)].join()}`,
  );
  await reader.close(true);
  return 'transactions: 20 committed, 10 aborted unseen';
}

const admin = new Admin(base);
await admin.createTopics({ topics: [topic], partitions: PARTITIONS, replicas: 1 });
const sent = await produce();
const members = await consumeInTwo(sent);
const offsets = await committed();
const transactions = withTransactions === 'true' ? await transact(admin) : 'no transactions';
await admin.close();
console.log(
  `@platformatic/kafka ${version}: ${sent.size} produced, consumed by ${members} members, ${offsets} committed, ${transactions}`,
);
