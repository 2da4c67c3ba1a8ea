import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ErrorCode } from '../../src/protocol/error-codes.js';
import { Produce } from '../../src/protocol/messages/00-produce.js';
import { Metadata } from '../../src/protocol/messages/03-metadata.js';
import { Heartbeat } from '../../src/protocol/messages/12-heartbeat.js';
import { InitProducerId } from '../../src/protocol/messages/22-init-producer-id.js';
import { encodeRecords } from '../../src/protocol/record-batch.js';
import { type Cluster } from '../../src/runtime/client/cluster/cluster.js';
import { type RoutedClusterOptions } from '../../src/runtime/client/cluster/routed-cluster.js';
import { CLOSE, HANG, ModelBroker } from '../support/model-broker.js';
import { quickest } from '../support/quickest.js';

// What every Cluster keeps, whatever carries its bytes.

export interface ClusterSubject {
  readonly name: string;
  /** A cluster of the broker's nodes; not connected yet. */
  create(broker: ModelBroker, options: RoutedClusterOptions): Promise<Cluster>;
}

const batch = (value: string): Buffer =>
  encodeRecords([{ key: null, value: Buffer.from(value) }], { timestamp: 1_700_000_000_000 });

const produce = (cluster: Cluster, nodeId: number, value: string, options = {}) =>
  cluster.send(
    nodeId,
    Produce,
    9,
    {
      acks: 'acks' in options ? 0 : -1,
      timeoutMs: 1000,
      topicData: [{ name: 'orders', partitionData: [{ index: nodeId - 1, records: batch(value) }] }],
    },
    options,
  );

export function clusterSuite(subject: ClusterSubject): void {
  describe(`cluster: ${subject.name}`, () => {
    let broker: ModelBroker;
    let cluster: Cluster;

    const connected = async (options: RoutedClusterOptions = {}): Promise<Cluster> => {
      cluster = await subject.create(broker, options);
      await cluster.connect();
      return cluster;
    };

    beforeEach(() => {
      broker = new ModelBroker({ orders: 2, payments: 1 }, 2);
    });

    afterEach(async () => {
      await cluster.close();
      await broker.stop();
    });

    it('knows the nodes once connected', async () => {
      await connected();
      expect(cluster.nodes().map(({ nodeId, port }) => [nodeId, port])).toEqual(
        broker.nodes.map(({ nodeId, port }) => [nodeId, port]),
      );
    });

    it('finds partitions and their leaders', async () => {
      await connected();
      expect(cluster.leaderOf('orders', 1)).toBe(-1);
      expect(await cluster.partitionsOf('orders')).toEqual([
        { partition: 0, leader: 1, replicas: [1], isr: [1] },
        { partition: 1, leader: 2, replicas: [2], isr: [2] },
      ]);
      expect([cluster.leaderOf('orders', 1), cluster.leaderOf('orders', 2)]).toEqual([2, -1]);
    });

    it('asks for a topic once, and again when told to', async () => {
      await connected();
      const before = broker.callsOf(Metadata).length;
      await Promise.all([cluster.partitionsOf('orders'), cluster.partitionsOf('orders')]);
      await cluster.partitionsOf('orders');
      expect(broker.callsOf(Metadata).length).toBe(before + 1);
      broker.createTopic('orders', 5);
      expect((await cluster.partitionsOf('orders', { refresh: true }))!.length).toBe(5);
    });

    it('answers undefined for a topic that does not exist, and keeps knowing the others', async () => {
      await connected();
      await cluster.partitionsOf('orders');
      expect(await cluster.partitionsOf('nowhere')).toBeUndefined();
      broker.topics.delete('orders');
      await cluster.partitionsOf('payments');
      await cluster.refreshMetadata();
      expect([cluster.leaderOf('orders', 0), cluster.leaderOf('payments', 0)]).toEqual([-1, 1]);
    });

    it('finds a topic that was created by the question at the next question', async () => {
      broker.autoCreatePartitions = 3;
      await connected();
      expect(await cluster.partitionsOf('fresh')).toBeUndefined();
      expect(await cluster.partitionsOf('fresh')).toHaveLength(3);
    });

    it('does not create topics when it may not', async () => {
      broker.autoCreatePartitions = 3;
      await connected({ allowAutoCreateTopics: false });
      await cluster.partitionsOf('fresh');
      expect(await cluster.partitionsOf('fresh')).toBeUndefined();
    });

    it('refuses a topic that the broker refuses', async () => {
      await connected();
      broker.on(Metadata, () => ({
        brokers: broker.nodes,
        topics: [{ errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED, name: 'orders', partitions: [] }],
      }));
      await expect(cluster.partitionsOf('orders')).rejects.toMatchObject({
        errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
      });
    });

    it('hears of a new leader by refreshing, in one request for concurrent calls', async () => {
      await connected();
      await cluster.partitionsOf('orders');
      broker.partition('orders', 0).leader = 2;
      const before = broker.callsOf(Metadata).length;
      await Promise.all([cluster.refreshMetadata(), cluster.refreshMetadata(), cluster.refreshMetadata()]);
      expect(cluster.leaderOf('orders', 0)).toBe(2);
      expect(broker.callsOf(Metadata).length).toBe(before + 1);
    });

    it('finds coordinators', async () => {
      await connected();
      expect(await cluster.coordinatorOf('group', 'billing')).toBe(1);
      expect(await cluster.coordinatorOf('transaction', 'tx-1')).toBe(1);
    });

    it('negotiates versions per node', async () => {
      await connected();
      expect(await cluster.versionOf(1, Produce)).toBe(12);
      expect(await cluster.versionOf(2, Produce, 9)).toBe(9);
      await expect(cluster.versionOf(1, Heartbeat)).rejects.toMatchObject({ code: 'KAFKA_UNSUPPORTED_VERSION' });
    });

    it('sends to the node named, every classic and flexible version', async () => {
      await connected();
      for (const version of [3, 7, 8, 9, 12]) {
        const answer = await cluster.send(2, Produce, version, {
          acks: -1,
          timeoutMs: 1000,
          topicData: [{ name: 'orders', partitionData: [{ index: 1, records: batch(`v${version}`) }] }],
        });
        expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
      }
      expect(broker.records('orders', 1).map(({ value }) => value!.toString())).toEqual([
        'v3',
        'v7',
        'v8',
        'v9',
        'v12',
      ]);
      expect(broker.callsOf(Produce).every(({ nodeId }) => nodeId === 2)).toBe(true);
    });

    it('keeps the order of the calls, also while it connects', async () => {
      await connected();
      const values = Array.from({ length: 50 }, (_, i) => `n${i}`);
      await Promise.all(values.map((value) => produce(cluster, 2, value)));
      expect(broker.records('orders', 1).map(({ value }) => value!.toString())).toEqual(values);
      expect(new Set(broker.callsOf(Produce).map(({ connectionId }) => connectionId)).size).toBe(1);
    });

    it('resolves undefined at once when no answer is expected', async () => {
      await connected();
      expect(await produce(cluster, 1, 'fire', { acks: 0, expectResponse: false })).toBeUndefined();
      await produce(cluster, 1, 'and wait');
      expect(broker.records('orders').map(({ value }) => value!.toString())).toEqual(['fire', 'and wait']);
    });

    it('rejects all that is under way when the connection breaks, and connects again once', async () => {
      await connected();
      await produce(cluster, 1, 'first');
      const opened = new Set(broker.callsOf(Produce).map(({ connectionId }) => connectionId));
      broker.on(Produce, () => CLOSE);
      const broken = await Promise.allSettled([1, 2, 3].map((n) => produce(cluster, 1, `lost ${n}`)));
      for (const result of broken) {
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'KAFKA_CONNECTION_FAILED' } });
        expect((result as PromiseRejectedResult).reason.message).toMatch(/Produce/);
      }
      broker.on(Produce, () => undefined);
      await Promise.all(Array.from({ length: 8 }, (_, n) => produce(cluster, 1, `again ${n}`)));
      const after = new Set(broker.callsOf(Produce).map(({ connectionId }) => connectionId));
      expect(broker.records('orders')).toHaveLength(9);
      expect(after.size - opened.size).toBe(1);
    });

    it('gives a silent node up after the time-out, naming it and the request', async () => {
      await connected();
      broker.on(Produce, () => HANG);
      const behind = produce(cluster, 1, 'behind', { timeoutMs: 5000 });
      await expect(produce(cluster, 1, 'lost', { timeoutMs: 40 })).rejects.toMatchObject({
        code: 'KAFKA_REQUEST_TIMEOUT',
        retriable: true,
        message: expect.stringMatching(/:\d+ did not answer Produce within 40 ms/),
      });
      await expect(behind).rejects.toMatchObject({ code: 'KAFKA_CONNECTION_FAILED' });
      broker.on(Produce, () => undefined);
      await produce(cluster, 1, 'goes on');
    });

    it('lets a long wait hold up nobody on another lane', async () => {
      await connected();
      broker.serving.set(Heartbeat.key, { api: Heartbeat, versions: [0, 4] });
      await cluster.close();
      await connected();
      broker.on(Heartbeat, () => HANG);
      const waiting = cluster.send(1, Heartbeat, 3, { groupId: 'g', generationId: 1, memberId: 'm' });
      const settled = waiting.catch((error: unknown) => error);
      await cluster.refreshMetadata();
      await cluster.close();
      expect(await settled).toMatchObject({ code: 'KAFKA_STOPPED' });
    });

    it('closes at once with requests pending, and stays closed', async () => {
      broker.on(Produce, () => HANG);
      const waiting = async (): Promise<{ readonly pending: Promise<unknown> }> => {
        await connected();
        return { pending: produce(cluster, 1, 'lost').catch((error: unknown) => error) };
      };
      const ms = await quickest(waiting, async ({ pending }) => {
        await cluster.close();
        expect(await pending).toMatchObject({ code: 'KAFKA_STOPPED' });
      });
      expect(ms).toBeLessThan(100);
      await expect(produce(cluster, 1, 'late')).rejects.toMatchObject({ code: 'KAFKA_STOPPED' });
      await expect(cluster.connect()).rejects.toMatchObject({ code: 'KAFKA_STOPPED' });
      await expect(cluster.partitionsOf('orders')).rejects.toMatchObject({ code: 'KAFKA_STOPPED' });
    });

    it('leaves throttling to the caller', async () => {
      await connected();
      broker.on(InitProducerId, () => ({ throttleTimeMs: 60_000, errorCode: 0, producerId: 1n, producerEpoch: 0 }));
      const ask = () => cluster.send(1, InitProducerId, 1, { transactionTimeoutMs: 1000 });
      expect((await ask()).throttleTimeMs).toBe(60_000);
      expect((await ask()).throttleTimeMs).toBe(60_000);
    });

    it('says that a node is unknown', async () => {
      await connected();
      await expect(produce(cluster, 9, 'x')).rejects.toMatchObject({
        code: 'KAFKA_CONNECTION_FAILED',
        message: expect.stringContaining('node 9'),
      });
    });
  });
}
