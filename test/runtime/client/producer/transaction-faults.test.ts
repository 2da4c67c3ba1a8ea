import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { hasCode } from '../../../../src/common/errors.js';
import { seededRandom } from '../../../../src/common/random.js';
import { KafkajsCluster } from '../../../../src/runtime/client/cluster/kafkajs-cluster.js';
import { GroupConsumer } from '../../../../src/runtime/client/consumer/group-consumer.js';
import { TransactionalKafkaProducer } from '../../../../src/runtime/client/producer/transactional-producer.js';
import { type ClientBroker, createTopic, startClientBroker } from '../../../support/client-broker.js';
import { readCommitted } from '../../../support/committed-reader.js';
import { type Exchange, type Fault, FaultProxy } from '../../../support/fault-proxy.js';
import { withTransactionVersion1 } from '../../../support/limited-cluster.js';

// Lost answers and broken connections at every request of a transaction, under both versions of the protocol; on our
// broker, or on Apache Kafka where KAFKA_BOOTSTRAP_SERVERS names one. PROOF_CYCLES is the number of transactions.

const REQUESTS = {
  Produce: 0,
  FindCoordinator: 10,
  InitProducerId: 22,
  AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25,
  EndTxn: 26,
  TxnOffsetCommit: 28,
} as const;
const FAULTS = ['swallow', 'cut-before', 'cut-after'] as const;
const TRANSACTIONS = Number(process.env.PROOF_CYCLES ?? 15);

let broker: ClientBroker;
let proxy: FaultProxy;
let topic: string;
let ids = 0;
const cleanUp: Array<() => unknown> = [];

beforeAll(async () => {
  broker = await startClientBroker();
});
afterAll(() => broker.stop());
beforeEach(async () => {
  topic = await createTopic(broker.address, 2);
  proxy = await FaultProxy.start(broker.address);
  cleanUp.push(() => proxy.stop());
});
afterEach(async () => {
  proxy.decide = () => 'pass';
  for (const step of cleanUp.splice(0).reverse()) await step();
});

const newId = () => `tx-${process.pid}-${process.hrtime.bigint()}-${++ids}`;

describe.each([1, 2])('transactions through faults, transaction version %i', (version) => {
  async function start(requestTimeoutMs = 150): Promise<TransactionalKafkaProducer> {
    const cluster = new KafkajsCluster({ bootstrapServers: [proxy.address], requestTimeoutMs });
    const producer = new TransactionalKafkaProducer({
      transactionalId: newId(),
      cluster: version === 1 ? withTransactionVersion1(cluster) : cluster,
      options: { lingerMs: 0, retryBackoffMs: 5, retryBackoffMaxMs: 20, requestTimeoutMs },
    });
    cleanUp.push(() => producer.stop());
    await producer.start();
    return producer;
  }

  /** One transaction of two records and an offset; what it throws is what a caller sees. */
  async function transact(producer: TransactionalKafkaProducer, number: number, groupId: string, commits: boolean) {
    await producer.begin();
    const sent = [0, 1].map((partition) =>
      producer.send(topic, partition, { key: null, value: Buffer.from(`${commits ? 'yes' : 'no'} ${number}`) }),
    );
    await Promise.all(sent);
    await producer.sendOffsets([{ topic, partition: 0, offset: number }], { groupId, generationId: -1, memberId: '' });
    await (commits ? producer.commit() : producer.abort());
  }

  const names = Object.keys(REQUESTS) as Array<keyof typeof REQUESTS>;
  it.each(names)('loses and repeats nothing when an answer to %s does not arrive', async (name) => {
    const groupId = newId();
    const expected: string[] = [];
    let number = 0;
    const met: Fault[] = [];
    for (const fault of FAULTS) {
      let armed = true;
      proxy.decide = ({ apiKey }: Exchange): Fault => {
        if (apiKey !== REQUESTS[name] || !armed) return 'pass';
        armed = false;
        met.push(fault);
        return fault;
      };
      const producer = await start();
      for (const commits of [true, false, true]) {
        await transact(producer, ++number, groupId, commits);
        if (commits) expected.push(`yes ${number}`, `yes ${number}`);
      }
    }
    const values = (await readCommitted(broker.address, topic)).map(({ value }) => String(value));
    expect(values.sort()).toEqual(expected.sort());
    // The rule is about requests that are sent: under version 2 two of them are not.
    const isSent = version === 1 || !['AddPartitionsToTxn', 'AddOffsetsToTxn'].includes(name);
    expect(met).toEqual(isSent ? FAULTS : []);
    expect(await committedBy(groupId)).toBe(number);
  });

  it(`keeps its word over ${TRANSACTIONS} transactions with faults everywhere`, async () => {
    const groupId = newId();
    const random = seededRandom(version);
    const producer = await start(100);
    const faulty = new Set<number>(Object.values(REQUESTS));
    proxy.decide = ({ apiKey }) => {
      if (!faulty.has(apiKey) || random.next() >= 0.05) return 'pass';
      return FAULTS[Math.floor(random.next() * FAULTS.length)]!;
    };
    const expected: string[] = [];
    let last = 0;
    for (let number = 1; number <= TRANSACTIONS; number++) {
      const commits = random.next() < 0.7;
      try {
        await transact(producer, number, groupId, commits);
      } catch (error) {
        // A lost request may cost the transaction, never its truth.
        if (!hasCode(error, 'KAFKA_TRANSACTION_ABORTED')) throw error;
        await producer.abort();
        continue;
      }
      if (!commits) continue;
      expected.push(`yes ${number}`, `yes ${number}`);
      last = number;
    }
    proxy.decide = () => 'pass';
    const values = (await readCommitted(broker.address, topic)).map(({ value }) => String(value));
    expect(values.sort()).toEqual(expected.sort());
    expect(last).toBeGreaterThan(0);
    const { swallowed, cut } = proxy.counts;
    expect(swallowed + cut).toBeGreaterThan(0);
    expect(await committedBy(groupId)).toBe(last);
  });

  it('takes offsets of the present generation of a group alone (KIP-447)', async () => {
    const groupId = newId();
    const member = new GroupConsumer({
      groupId,
      topics: [topic],
      autoOffsetReset: 'earliest',
      createCluster: () => new KafkajsCluster({ bootstrapServers: [broker.address] }),
    });
    cleanUp.push(() => member.stop());
    await member.start({ onAssigned: () => undefined, onRevoked: () => undefined, onLost: () => undefined });
    const group = member.groupMetadata()!;
    const producer = await start();
    const zombie = { ...group, generationId: group.generationId - 1 };
    await producer.begin();
    await producer.send(topic, 0, { key: null, value: Buffer.from('zombie') });
    const offsets = [{ topic, partition: 0, offset: 1 }];
    await expect(producer.sendOffsets(offsets, zombie)).rejects.toMatchObject({ code: 'KAFKA_TRANSACTION_ABORTED' });
    await expect(producer.commit()).rejects.toMatchObject({ code: 'KAFKA_TRANSACTION_ABORTED' });
    await producer.abort();
    await producer.begin();
    await producer.send(topic, 0, { key: null, value: Buffer.from('owner') });
    await producer.sendOffsets([{ topic, partition: 0, offset: 3, metadata: 'map' }], group);
    await producer.commit();
    expect((await readCommitted(broker.address, topic)).map(({ value }) => String(value))).toEqual(['owner']);
    await member.stop();
    expect(await committedBy(groupId)).toBe(3);
  });

  /** What the next owner of partition 0 begins with. */
  async function committedBy(groupId: string): Promise<number | undefined> {
    const consumer = new GroupConsumer({
      groupId,
      topics: [topic],
      autoOffsetReset: 'latest',
      createCluster: () => new KafkajsCluster({ bootstrapServers: [broker.address] }),
    });
    let position: number | undefined;
    const started = consumer.start({
      onAssigned: (added) => {
        position = added.find(({ partition }) => partition === 0)?.position;
      },
      onRevoked: () => undefined,
      onLost: () => undefined,
    });
    await started.catch(() => undefined);
    await consumer.stop();
    return position;
  }
});
