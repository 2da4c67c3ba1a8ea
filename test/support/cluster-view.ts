import {
  AlterConfigs,
  ConsumerGroupHeartbeat,
  CreatePartitions,
  CreateTopics,
  DeleteTopics,
  DescribeConfigs,
  Fetch,
  FindCoordinator,
  InitProducerId,
  ListGroups,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  Produce,
} from '../../src/protocol/messages/index.js';
import { decodeControlRecord, encodeRecords, recordsOf } from '../../src/protocol/record-batch.js';
import {
  baseOffset,
  batchSize,
  isControl,
  isWholeBatch,
  nextOffset,
  producerId,
} from '../../src/protocol/record-batch-header.js';
import { ZERO_UUID } from '../../src/protocol/wire-reader.js';
import { SocketClient } from './raw-client.js';

// A cluster of one node as a client sees all of it: topics, settings, records, groups and their offsets. Two brokers
// that serve the same directory must show the same.

const CONFIG_SET_ON = new Set([1, 2, 3]); // topic, this broker, all brokers
export const LEADER_CODES = new Set([3, 5, 6]); // not there yet, no leader yet, not the leader yet
const COORDINATOR_CODES = new Set([14, 15, 16]); // loading, not available, moved

const NOT_STABLE = -1;

export interface ClusterView {
  readonly clusterId: string | null;
  readonly topics: Record<string, unknown>;
  readonly groups: Record<string, unknown>;
}

export class ClusterClient {
  private constructor(readonly client: SocketClient) {}

  static async connect(port: number): Promise<ClusterClient> {
    return new ClusterClient(await SocketClient.connect(port));
  }

  close(): void {
    this.client.close();
  }

  /** Asks again while the coordinator, or a new topic, is not ready. */
  async ready<T>(ask: () => Promise<T>, codeOf: (answer: T) => number, codes = COORDINATOR_CODES): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const answer = await ask();
      if (!codes.has(codeOf(answer)) || attempt > 300) return answer;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async createTopic(name: string, numPartitions = 1, configs: Record<string, string> = {}): Promise<void> {
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
    const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: entries };
    const { topics } = await this.client.send(CreateTopics, 7, {
      topics: [topic],
      timeoutMs: 9000,
      validateOnly: false,
    });
    expectNone(topics[0]!, `creating ${name}`);
  }

  async addPartitions(name: string, count: number): Promise<void> {
    const topics = [{ name, count, assignments: null }];
    const { results } = await this.ready(
      () => this.client.send(CreatePartitions, 3, { topics, timeoutMs: 9000, validateOnly: false }),
      (grown) => grown.results[0]!.errorCode,
      LEADER_CODES,
    );
    expectNone(results[0]!, `growing ${name}`);
  }

  async deleteTopic(name: string): Promise<void> {
    const topics = [{ name, topicId: ZERO_UUID }];
    const { responses } = await this.ready(
      () => this.client.send(DeleteTopics, 6, { topics, timeoutMs: 9000 }),
      (deleted) => deleted.responses[0]!.errorCode,
      LEADER_CODES,
    );
    expectNone(responses[0]!, `deleting ${name}`);
  }

  /** Replaces what is set for a topic (2) or for brokers (4; empty name: all of them). */
  async setConfigs(resourceType: number, resourceName: string, configs: Record<string, string>): Promise<void> {
    const entries = Object.entries(configs).map(([name, value]) => ({ name, value }));
    const resources = [{ resourceType, resourceName, configs: entries }];
    const { responses } = await this.ready(
      () => this.client.send(AlterConfigs, 2, { resources, validateOnly: false }),
      (altered) => altered.responses[0]!.errorCode,
      LEADER_CODES,
    );
    expectNone(responses[0]!, `configuring ${resourceName}`);
  }

  async produce(topic: string, partition: number, values: readonly string[]): Promise<void> {
    const records = values.map((value) => ({ key: Buffer.from(`k-${value}`), value: Buffer.from(value) }));
    const batch = encodeRecords(records, { timestamp: Date.now() });
    await this.append(topic, partition, batch);
  }

  async append(topic: string, partition: number, batch: Buffer): Promise<void> {
    const topicData = [{ name: topic, partitionData: [{ index: partition, records: batch }] }];
    const answer = await this.ready(
      () => this.client.send(Produce, 9, { acks: -1, timeoutMs: 9000, topicData }),
      ({ responses }) => responses[0]!.partitionResponses[0]!.errorCode,
      LEADER_CODES,
    );
    expectNone(answer.responses[0]!.partitionResponses[0]!, `appending to ${topic}-${partition}`);
  }

  /** A new producer id. */
  async producerId(): Promise<bigint> {
    const answer = await this.ready(
      () => this.client.send(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 }),
      ({ errorCode }) => errorCode,
    );
    expectNone(answer, 'a producer id');
    return answer.producerId;
  }

  /** Of a group (0) or a transaction (1). Kafka makes their topics when a coordinator is first asked for. */
  async findCoordinator(key: string, keyType: 0 | 1 = 0): Promise<void> {
    await this.ready(
      () => this.client.send(FindCoordinator, 4, { keyType, coordinatorKeys: [key] }),
      ({ coordinators }) => coordinators[0]!.errorCode,
    );
  }

  async commit(groupId: string, topic: string, offsets: Record<number, number>, metadata = ''): Promise<void> {
    await this.findCoordinator(groupId);
    await this.#commit(8, groupId, topic, offsets, metadata, { memberId: '', generation: -1 });
  }

  async #commit(
    version: number,
    groupId: string,
    topic: string,
    offsets: Record<number, number>,
    committedMetadata: string,
    { memberId, generation }: { readonly memberId: string; readonly generation: number },
  ): Promise<void> {
    const partitions = Object.entries(offsets).map(([partition, committedOffset]) => ({
      partitionIndex: Number(partition),
      committedOffset,
      committedMetadata,
    }));
    const topics = [{ name: topic, partitions }];
    const answer = await this.ready(
      () =>
        this.client.send(OffsetCommit, version, { groupId, generationIdOrMemberEpoch: generation, memberId, topics }),
      (committed) => committed.topics[0]!.partitions[0]!.errorCode,
    );
    for (const partition of answer.topics[0]!.partitions) expectNone(partition, `committing for ${groupId}`);
  }

  /** A member of a group of the newer protocol, where all is decided by the broker; it commits and does not leave. */
  async commitAsConsumer(groupId: string, topic: string, offsets: Record<number, number>): Promise<void> {
    await this.findCoordinator(groupId);
    const member = { groupId, memberId: 'AAAAAAAAAAAAAAAAAAAAAQ', rebalanceTimeoutMs: 60_000 };
    const { memberEpoch, ...joined } = await this.ready(
      () =>
        this.client.send(ConsumerGroupHeartbeat, 1, {
          ...member,
          memberEpoch: 0,
          subscribedTopicNames: [topic],
          topicPartitions: [],
        }),
      ({ errorCode }) => errorCode,
    );
    expectNone(joined, `joining ${groupId}`);
    await this.#commit(9, groupId, topic, offsets, '', { memberId: member.memberId, generation: memberEpoch });
  }

  async view(): Promise<ClusterView> {
    const all = { topics: null, allowAutoTopicCreation: false };
    const { topics, clusterId } = await this.ready(
      () => this.client.send(Metadata, 12, all),
      (answer) => answer.topics.flatMap(({ partitions }) => partitions).find((p) => p.errorCode !== 0)?.errorCode ?? 0,
      LEADER_CODES,
    );
    const seen: Record<string, unknown> = {};
    for (const { name, topicId, partitions, isInternal } of topics.sort((a, b) => (a.name! < b.name! ? -1 : 1))) {
      const numbers = partitions.map(({ partitionIndex }) => partitionIndex).sort((a, b) => a - b);
      const leaders = new Set(partitions.map(({ leaderId, isrNodes }) => `${leaderId} of ${isrNodes.join()}`));
      seen[name!] = {
        topicId,
        isInternal,
        leaders: [...leaders],
        configs: await this.configs(2, name!),
        // What coordinators keep is seen by its meaning, below.
        partitions: isInternal ? numbers.length : await Promise.all(numbers.map((p) => this.#partition(name!, p))),
      };
    }
    return { clusterId, topics: seen, groups: await this.#groups() };
  }

  async configs(resourceType: number, resourceName: string): Promise<string[]> {
    const resources = [{ resourceType, resourceName, configurationKeys: null }];
    const answer = await this.ready(
      () => this.client.send(DescribeConfigs, 4, { resources, includeSynonyms: false }),
      (described) => described.results[0]!.errorCode,
      LEADER_CODES,
    );
    const [{ configs, ...result }] = answer.results as [(typeof answer.results)[number]];
    expectNone(result, `configuration of ${resourceName}`);
    return configs
      .filter(({ configSource }) => CONFIG_SET_ON.has(configSource))
      .map(({ name, value }) => `${name}=${value}`)
      .sort();
  }

  async #partition(topic: string, partition: number) {
    const start = await this.#offset(topic, partition, -2);
    const end = await this.#offset(topic, partition, -1);
    return { start, end, records: await this.records(topic, partition, start, end) };
  }

  /** What ListOffsets has for a time; the end is that of stable records. */
  async #offset(topic: string, partition: number, timestamp: number): Promise<number> {
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }];
    const answer = await this.ready(
      () => this.client.send(ListOffsets, 7, { replicaId: -1, isolationLevel: 1, topics }),
      (listed) => listed.topics[0]!.partitions[0]!.errorCode,
      LEADER_CODES,
    );
    expectNone(answer.topics[0]!.partitions[0]!, `offsets of ${topic}-${partition}`);
    return answer.topics[0]!.partitions[0]!.offset;
  }

  /** Resolves when the records before `offset` can be read by those who wait for the end of transactions. */
  async untilStable(topic: string, partition: number, offset: number): Promise<void> {
    await this.ready(
      async () => (await this.#offset(topic, partition, -1)) >= offset,
      (isStable) => (isStable ? 0 : NOT_STABLE),
      new Set([NOT_STABLE]),
    );
  }

  /** Every record that is not of an aborted transaction, as `offset key=value`. */
  async records(topic: string, partition: number, start: number, end: number): Promise<string[]> {
    const records: string[] = [];
    const aborted = new Map<bigint, number>();
    for (let offset = start; offset < end; ) {
      const partitions = [{ partition, fetchOffset: offset, partitionMaxBytes: 1 << 20 }];
      const request = { maxWaitMs: 500, minBytes: 1, isolationLevel: 1, topics: [{ topic, partitions }] };
      const answer = await this.ready(
        () => this.client.send(Fetch, 11, request),
        ({ responses }) => responses[0]!.partitions[0]!.errorCode,
        LEADER_CODES,
      );
      const fetched = answer.responses[0]!.partitions[0]!;
      expectNone(fetched, `fetching ${topic}-${partition} from ${offset}`);
      for (const { producerId: id, firstOffset } of fetched.abortedTransactions ?? []) aborted.set(id, firstOffset);
      const bytes = fetched.records ?? Buffer.alloc(0);
      const from = offset;
      for (let at = 0; isWholeBatch(bytes, at); at += batchSize(bytes, at)) {
        const base = baseOffset(bytes, at);
        // Its marker ends an aborted transaction; the next one of the same producer counts again.
        const isAbort = isControl(bytes, at) && decodeControlRecord(bytes, at).type === 'abort';
        if (isAbort) aborted.delete(producerId(bytes, at));
        const counts = !isControl(bytes, at) && !((aborted.get(producerId(bytes, at)) ?? Infinity) <= base);
        for (const { offsetDelta, key, value } of counts ? recordsOf(bytes, at) : []) {
          const own = base + offsetDelta;
          if (own >= offset) records.push(`${own} ${String(key)}=${String(value)}`);
        }
        offset = Math.max(offset, nextOffset(bytes, at));
      }
      if (offset === from) throw new Error(`${topic}-${partition} gives nothing at offset ${offset} of ${end}`);
    }
    return records;
  }

  async #groups(): Promise<Record<string, unknown>> {
    const { groups } = await this.ready(
      () => this.client.send(ListGroups, 4, { statesFilter: [] }),
      ({ errorCode }) => errorCode,
    );
    const seen: Record<string, unknown> = {};
    for (const { groupId } of groups.sort((a, b) => (a.groupId < b.groupId ? -1 : 1))) {
      const answer = await this.ready(
        () => this.client.send(OffsetFetch, 8, { groups: [{ groupId, topics: null }], requireStable: true }),
        (fetched) => fetched.groups[0]!.errorCode,
      );
      expectNone(answer.groups[0]!, `offsets of ${groupId}`);
      const offsets = answer.groups[0]!.topics.flatMap(({ name, partitions }) =>
        partitions.map((p) => `${name}-${p.partitionIndex}: ${p.committedOffset} '${p.metadata}'`),
      );
      seen[groupId] = offsets.sort();
    }
    return seen;
  }
}

export function expectNone(
  { errorCode, errorMessage }: { errorCode: number; errorMessage?: string | null },
  what: string,
) {
  if (errorCode !== 0) throw new Error(`${what}: error ${errorCode} ${errorMessage ?? ''}`);
}
