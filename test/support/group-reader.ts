import { type KafkaRecord } from '../../src/common/record.js';
import { type TopicPartition } from '../../src/common/topic-partition.js';
import { KafkajsCluster } from '../../src/runtime/client/cluster/kafkajs-cluster.js';
import { type ConsumerOptions } from '../../src/runtime/client/consumer/consumer-options.js';
import { GroupConsumer } from '../../src/runtime/client/consumer/group-consumer.js';
import { StandaloneConsumer } from '../../src/runtime/client/consumer/standalone-consumer.js';
import {
  type AssignedPartition,
  type ConsumerClient,
  type ConsumerEvent,
  type RebalanceListener,
} from '../../src/runtime/client/consumer-client.js';

// A member of a group over sockets for tests of the client: reads, remembers, commits.

/** The shortest session that the broker grants: Apache Kafka has 6 s unless configured. */
export const SESSION_MS = process.env.KAFKA_BOOTSTRAP_SERVERS ? 6_000 : 900;

/** Polls, remembers and commits, as a container in short. */
export class Reader implements RebalanceListener {
  readonly records: KafkaRecord[] = [];
  readonly log: string[] = [];
  readonly memberIds = new Set<string>();
  readonly events: ConsumerEvent[] = [];
  readonly consumer: ConsumerClient;
  commits = true;
  assigning: (added: readonly AssignedPartition[]) => void = () => undefined;
  revoking: () => Promise<void> | void = () => undefined;
  #loop: Promise<void> | undefined;
  #isOver = false;

  constructor(
    readonly address: string,
    options: Pick<ConsumerOptions, 'groupId' | 'topics'> & Partial<ConsumerOptions>,
  ) {
    const Consumer = options.assignment ? StandaloneConsumer : GroupConsumer;
    this.consumer = new Consumer({
      createCluster: () => new KafkajsCluster({ bootstrapServers: [address], clientId: 'reader' }),
      autoOffsetReset: 'earliest',
      sessionTimeoutMs: SESSION_MS,
      heartbeatIntervalMs: SESSION_MS / 9,
      maxPollIntervalMs: 30_000,
      retryBackoffMs: 20,
      retryBackoffMaxMs: 200,
      ...options,
    });
    this.consumer.onEvent((event) => {
      this.events.push(event);
      if (event.type === 'joined') this.memberIds.add(event.memberId);
    });
  }

  async start(): Promise<this> {
    await this.consumer.start(this);
    this.#loop = this.#read();
    return this;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.consumer.stop();
    await this.#loop;
  }

  async #read(): Promise<void> {
    while (!this.#isOver) {
      const polled = await this.consumer.poll({ maxRecords: 500, maxWaitMs: 1_000 }).catch((error) => {
        if (!this.#isOver) throw error;
        return [];
      });
      for (const { records } of polled) this.records.push(...records);
      if (!this.commits || polled.length === 0) continue;
      const offsets = polled.map(({ topic, partition, nextOffset }) => ({ topic, partition, offset: nextOffset }));
      await this.consumer.commit(offsets).catch((error) => this.log.push(error.message));
    }
  }

  onAssigned(added: readonly AssignedPartition[], kept: readonly AssignedPartition[]): void {
    this.log.push(`assigned ${added.length} kept ${kept.length}`);
    this.assigning(added);
  }

  async onRevoked(partitions: readonly TopicPartition[]): Promise<void> {
    this.log.push(`revoked ${partitions.length}`);
    await this.revoking();
  }

  onLost(partitions: readonly TopicPartition[]): void {
    this.log.push(`lost ${partitions.length}`);
  }

  values(): string[] {
    return this.records.map(({ value }) => value!.toString());
  }
}
