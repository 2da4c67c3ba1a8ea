import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type KafkaRecord } from '../../src/common/record.js';
import { ErrorCode } from '../../src/protocol/error-codes.js';
import { Produce } from '../../src/protocol/messages/00-produce.js';
import { Fetch } from '../../src/protocol/messages/01-fetch.js';
import { JoinGroup } from '../../src/protocol/messages/11-join-group.js';
import { decodeBatch, encodeRecords } from '../../src/protocol/record-batch.js';
import { type Cluster } from '../../src/runtime/client/cluster/cluster.js';
import { createTopic } from '../support/client-broker.js';
import { quickest } from '../support/quickest.js';

// A Cluster with a whole broker behind it.

export interface ClusterOnBroker {
  readonly name: string;
  /** Address under which the broker can also be reached by a socket. */
  address(): string;
  start(): Promise<void>;
  stop(): Promise<void>;
  create(): Cluster;
}

export function clusterOnBrokerSuite(subject: ClusterOnBroker): void {
  describe(`cluster on a broker: ${subject.name}`, () => {
    let cluster: Cluster;
    let topic: string;

    beforeAll(async () => {
      await subject.start();
      topic = await createTopic(subject.address(), 2);
    });

    afterAll(() => subject.stop());

    beforeEach(async () => {
      cluster = subject.create();
      await cluster.connect();
    });

    afterEach(() => cluster.close());

    const fetch = (partition: number, fetchOffset: number, maxWaitMs: number) =>
      cluster.send(cluster.leaderOf(topic, partition), Fetch, 11, {
        maxWaitMs,
        minBytes: 1,
        isolationLevel: 0,
        topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1 << 24 }] }],
        forgottenTopicsData: [],
      });

    it('stores and reads at every version that both sides know', async () => {
      const partitions = await cluster.partitionsOf(topic);
      expect(partitions!.map(({ partition }) => partition)).toEqual([0, 1]);
      const leader = cluster.leaderOf(topic, 0);
      const highest = await cluster.versionOf(leader, Produce, 12);
      const offsets: number[] = [];
      for (let version = 3; version <= highest; version++) {
        const records = encodeRecords([{ key: Buffer.from('k'), value: Buffer.from(`v${version}`) }], { timestamp: 1 });
        const answer = await cluster.send(leader, Produce, version, {
          acks: -1,
          timeoutMs: 1000,
          topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
        });
        expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
        offsets.push(answer.responses[0]!.partitionResponses[0]!.baseOffset);
      }
      const read = (await fetch(0, offsets[0]!, 100)).responses[0]!.partitions[0]!;
      const records: KafkaRecord[] = [];
      decodeBatch(topic, 0, read.records!, 0, read.records!.length, 0, records);
      expect(records.map(({ offset, value }) => [offset, String(value)])).toEqual([[offsets[0], 'v3']]);
    });

    it('carries a batch of a megabyte both ways', async () => {
      await cluster.partitionsOf(topic);
      const value = Buffer.alloc(1_000_000, 'x');
      const records = encodeRecords([{ key: null, value }], { timestamp: 1 });
      const { responses } = await cluster.send(cluster.leaderOf(topic, 1), Produce, 9, {
        acks: -1,
        timeoutMs: 1000,
        topicData: [{ name: topic, partitionData: [{ index: 1, records }] }],
      });
      const read = (await fetch(1, responses[0]!.partitionResponses[0]!.baseOffset, 100)).responses[0]!.partitions[0]!;
      expect(read.records!.length).toBe(records.length);
    });

    it('finds the coordinator of a group', async () => {
      const nodeId = await coordinator(cluster);
      expect(cluster.nodes().map((node) => node.nodeId)).toContain(nodeId);
    });

    it('answers undefined for a name that no topic can have yet', async () => {
      const quiet = subject.create();
      expect(await quiet.partitionsOf(`absent-${process.hrtime.bigint()}`)).toBeUndefined();
      await quiet.close();
    });

    it('closes at once while a long poll is pending', async () => {
      const polling = async (): Promise<{ readonly polled: Promise<unknown> }> => {
        await cluster.close();
        cluster = subject.create();
        await cluster.connect();
        await cluster.partitionsOf(topic);
        const end = (await fetch(0, 0, 0)).responses[0]!.partitions[0]!.highWatermark;
        const polled = fetch(0, end, 20_000).catch((error: unknown) => error);
        await cluster.refreshMetadata();
        return { polled };
      };
      const ms = await quickest(polling, async ({ polled }) => {
        await cluster.close();
        expect(await polled).toMatchObject({ code: 'KAFKA_STOPPED' });
      });
      expect(ms).toBeLessThan(100);
    });

    it('goes on asking for metadata while a member waits to join', async () => {
      const nodeId = await coordinator(cluster);
      const join = (memberId: string) =>
        cluster.send(nodeId, JoinGroup, 5, {
          groupId: `g-${topic}-${subject.name}`,
          sessionTimeoutMs: 10_000,
          rebalanceTimeoutMs: 10_000,
          memberId,
          groupInstanceId: null,
          protocolType: 'consumer',
          protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
        });
      let first = await join('');
      // A broker that has just started may still be loading the group's partition.
      while (
        first.errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ||
        first.errorCode === ErrorCode.NOT_COORDINATOR
      )
        first = await join('');
      expect(first.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
      const leader = await join(first.memberId);
      expect(leader.leader).toBe(leader.memberId);
      // A second member has to wait for the first one to join again.
      const { memberId } = await join('');
      const waiting = join(memberId).catch((error: unknown) => error);
      const from = performance.now();
      await cluster.refreshMetadata();
      expect(performance.now() - from).toBeLessThan(1000);
      await cluster.close();
      expect(await waiting).toMatchObject({ code: 'KAFKA_STOPPED' });
    });
  });
}

async function coordinator(cluster: Cluster): Promise<number> {
  for (;;) {
    try {
      return await cluster.coordinatorOf('group', 'billing');
    } catch (error) {
      if (!(error as { retriable?: boolean }).retriable) throw error;
    }
  }
}
