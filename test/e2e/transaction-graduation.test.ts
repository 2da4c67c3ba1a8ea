import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, it } from '@jest/globals';
import { Broker } from '../../src/broker/broker.js';
import { describeWith } from '../support/describe-with.js';
import { fetchKafka, startNode, whyNoKafka } from '../support/kafka-node.js';
import { SocketClient } from '../support/raw-client.js';
import { type Producer, TransactionClient } from '../support/transaction-client.js';

// Transactions that are open while a data directory changes hands, from us to Apache Kafka and back: whoever has it
// now lets their producers go on, commit and abort.

const MINUTES = 60_000;
const TOPIC = 'orders';
const GROUP = 'billing';
const cleanUp: Array<() => unknown> = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

interface Node {
  readonly port: number;
  stop(): Promise<void>;
}

async function using<T>({ port }: Node, work: (tx: TransactionClient) => Promise<T>): Promise<T> {
  const client = await SocketClient.connect(port);
  try {
    return await work(new TransactionClient(client));
  } finally {
    client.close();
  }
}

/** Apache Kafka answers a coordinator's requests a moment after it takes connections. */
async function patient<T extends { readonly errorCode: number }>(ask: () => Promise<T>): Promise<T> {
  for (let left = 200; ; left--) {
    const answer = await ask();
    if (![14, 15, 16, 51].includes(answer.errorCode) || left === 0) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

type Identity = Producer & { readonly errorCode: number };

/** Two producers with a transaction open each, and offsets in one of them. */
async function openTwo(tx: TransactionClient, round: string): Promise<[Identity, Identity]> {
  const [kept, lost] = [await patient(() => tx.init(`kept-${round}`)), await patient(() => tx.init(`lost-${round}`))];
  const codes = [
    (await tx.produce(kept, TOPIC, [`kept ${round}`], { version: 12 })).errorCode,
    ...(await tx.addPartitions(lost, { [TOPIC]: [0] })),
    (await tx.produce(lost, TOPIC, [`lost ${round}`])).errorCode,
    (await patient(async () => ({ errorCode: await tx.commitOffset(kept, GROUP, TOPIC, 7, {}, 5) }))).errorCode,
  ];
  expect(codes).toEqual([0, 0, 0, 0]);
  return [kept, lost];
}

/** The other program ends them. */
async function endTwo(tx: TransactionClient, [kept, lost]: [Identity, Identity], round: string): Promise<void> {
  const states = await Promise.all(
    [kept, lost].map(async ({ id }) => patient(async () => (await tx.describe(id))[0]!)),
  );
  expect(states.map(({ transactionState, producerEpoch }) => `${transactionState} ${producerEpoch}`)).toEqual([
    'Ongoing 0',
    'Ongoing 0',
  ]);
  const unstable = await patient(async () => {
    const found = await tx.committed(GROUP, TOPIC, true);
    return { errorCode: typeof found === 'number' ? 0 : found.error };
  });
  expect(unstable.errorCode).toBe(88);
  expect((await tx.produce(kept, TOPIC, [`also ${round}`], { version: 12, baseSequence: 1 })).errorCode).toBe(0);
  expect(await tx.end(kept, true, 5)).toMatchObject({ errorCode: 0, producerEpoch: 1 });
  expect((await tx.end(lost, false, 3)).errorCode).toBe(0);
  const done = await patient(async () => {
    const { lastStableOffset, highWatermark } = await tx.read(TOPIC);
    return { errorCode: lastStableOffset === highWatermark ? 0 : 51 };
  });
  expect(done.errorCode).toBe(0);
  const { values, aborted } = await tx.read(TOPIC);
  expect(values.filter((value) => value.endsWith(round))).toEqual([`kept ${round}`, `lost ${round}`, `also ${round}`]);
  expect(aborted!.map(({ producerId }) => producerId)).toContain(lost.producerId);
  expect(await tx.committed(GROUP, TOPIC, true)).toBe(7);
}

describeWith('open transactions from us to Apache Kafka and back', whyNoKafka())('open transactions', () => {
  beforeAll(() => fetchKafka(), 10 * MINUTES);

  it(
    'are ended by the program that has the directory next',
    async () => {
      const path = mkdtempSync(join(tmpdir(), 'transactions-'));
      cleanUp.push(() => rmSync(path, { recursive: true, force: true }));
      const ours = async () => {
        const broker = await Broker.start({ port: 0, dataDir: join(path, 'logs') });
        cleanUp.push(() => broker.stop());
        return broker;
      };
      const theirs = async () => {
        const node = await startNode(path);
        cleanUp.push(() => node.stop('SIGKILL'));
        return node;
      };
      let node: Node = await ours();
      const first = await using(node, async (tx) => {
        await tx.createTopic(TOPIC);
        await tx.coordinator(GROUP, 0);
        return openTwo(tx, 'ours');
      });
      await node.stop();
      node = await theirs();
      await using(node, (tx) => endTwo(tx, first, 'ours'));
      const second = await using(node, (tx) => openTwo(tx, 'theirs'));
      await node.stop();
      node = await ours();
      await using(node, (tx) => endTwo(tx, second, 'theirs'));
      expect(await using(node, (tx) => tx.offset(TOPIC))).toBe(10);
    },
    5 * MINUTES,
  );
});
