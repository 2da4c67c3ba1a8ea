import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import kafkajs from 'kafkajs';
import { type ClientBroker, startClientBroker } from '../support/client-broker.js';
import { Program } from '../support/program.js';

// `nestdaw consume` on our broker, or on Apache Kafka, whose records of committed offsets are the same.

const MAIN = join(process.cwd(), 'dist/esm/cli/main.js');
const id = `${process.pid}-${process.hrtime.bigint()}`;
const topic = `consumed-${id}`;
const groupId = `readers-${id}`;
let broker: ClientBroker;

beforeAll(async () => {
  broker = await startClientBroker();
  const kafka = new kafkajs.Kafka({ brokers: [broker.address], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true });
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, messages: [{ key: 'k', value: 'tea', partition: 1 }] });
  await producer.send({ topic, messages: [{ value: Buffer.from([0xff, 0]), partition: 0 }] });
  await producer.disconnect();
  await admin.disconnect();
  await commit(kafka, '1');
});
afterAll(() => broker.stop());

/** kafkajs's admin would wait for a fetch of five seconds before it commits. */
async function commit(kafka: kafkajs.Kafka, offset: string): Promise<void> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 10 });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.connect();
  await consumer.subscribe({ topic });
  await consumer.run({ autoCommit: false, eachMessage: () => Promise.resolve() });
  await joined;
  await consumer.commitOffsets([{ topic, partition: 1, offset }]);
  await consumer.disconnect();
}

async function consume(...args: string[]) {
  const all = [MAIN, 'consume', '-b', broker.address, '-C', tmpdir(), ...args];
  const program = new Program({ name: 'nestdaw', args: all, options: { cwd: tmpdir() } }).start();
  const status = await program.ended;
  return { status, lines: program.output.trimEnd().split('\n') };
}

describe('nestdaw consume', () => {
  it('prints what is in a topic, and ends', async () => {
    const { status, lines } = await consume('--topic', topic);
    expect(lines.sort()).toEqual([`${topic}-0@0  (none)  base64:/wA=`, `${topic}-1@0  k  tea`]);
    expect(status).toBe(0);
  });

  it('prints one partition, for programs', async () => {
    const { lines } = await consume('--topic', topic, '--partition', '1', '--json');
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ topic, partition: 1, offset: 0, key: 'k', value: 'tea', headers: [] }),
    ]);
  });

  it('prints what groups have committed: group, topic, partition, offset and time', async () => {
    const { status, lines } = await consume('--topic', '__consumer_offsets', '--formatter', 'offsets');
    const ours = lines.filter((line) => line.includes(groupId));
    expect(ours.at(-1)).toMatch(
      new RegExp(`^\\[${groupId},${topic},1\\]  offset 1  committed \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d$`),
    );
    expect(status).toBe(0);
    const json = await consume('--topic', '__consumer_offsets', '--formatter', 'offsets', '--json');
    const parsed = json.lines.map((line) => JSON.parse(line) as { group: string });
    expect(parsed.filter(({ group }) => group === groupId).at(-1)).toMatchObject({ topic, partition: 1, offset: 1 });
  });

  it('says so when there is no such topic, or no such partition', async () => {
    expect(await consume('--topic', 'nothing-here')).toMatchObject({
      status: 1,
      lines: [expect.stringContaining('there is no topic nothing-here')],
    });
    expect(await consume('--topic', topic, '--partition', '7')).toMatchObject({
      status: 1,
      lines: [expect.stringContaining('has partitions 0 to 1')],
    });
  });
});
