import { afterEach, describe, expect, it } from '@jest/globals';
import { Fetch, Produce } from '../../../src/protocol/messages/index.js';
import { recordsOf } from '../../../src/protocol/record-batch.js';
import { batchSize } from '../../../src/protocol/record-batch-header.js';
import { BrokerFixture, batchOf } from '../../support/broker-fixture.js';
import { SocketClient } from '../../support/raw-client.js';

// Memory of large requests and answers is used again: nobody may find the bytes of another one in it.

const CLIENTS = 4;
const ROUNDS = 12;
const RECORDS = 300;

let fixture: BrokerFixture | undefined;

afterEach(() => fixture?.stop());

async function produceAndRead(client: SocketClient, topic: string, partition: number): Promise<string[]> {
  const problems: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const values = Array.from({ length: RECORDS }, (_, i) => `${partition}/${round}/${i}/`.padEnd(1000 + round, 'x'));
    const partitionData = [{ index: partition, records: batchOf(values) }];
    // Answers that wait in the socket while the next request is read.
    const produced = client.send(Produce, 9, {
      acks: -1,
      timeoutMs: 9000,
      topicData: [{ name: topic, partitionData }],
    });
    const partitions = [{ partition, fetchOffset: round * RECORDS, partitionMaxBytes: 1 << 20 }];
    const request = { maxWaitMs: 5000, minBytes: 1, isolationLevel: 0, topics: [{ topic, partitions }] };
    const fetches = [client.send(Fetch, 11, request), client.send(Fetch, 11, request)];
    const { responses } = await produced;
    if (responses[0]!.partitionResponses[0]!.errorCode !== 0) problems.push(`round ${round} was refused`);
    for (const { responses: answers } of await Promise.all(fetches)) {
      const bytes = answers[0]!.partitions[0]!.records!;
      const found: string[] = [];
      for (let at = 0; at < bytes.length; at += batchSize(bytes, at)) {
        for (const { value } of recordsOf(bytes, at)) found.push(value!.toString());
      }
      if (found.join() !== values.join()) problems.push(`round ${round} of partition ${partition} came back changed`);
    }
  }
  return problems;
}

describe('large requests on several connections', () => {
  it('come back as they were sent', async () => {
    fixture = await BrokerFixture.start();
    await fixture.createTopic('large', CLIENTS);
    const { port } = fixture.broker;
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => SocketClient.connect(port)));
    const problems = await Promise.all(clients.map((client, partition) => produceAndRead(client, 'large', partition)));
    for (const client of clients) client.close();
    expect(problems.flat()).toEqual([]);
  });
});
