import { GroupCoordinator } from '../../src/broker/coordinator/group/group-coordinator.js';
import { type InitRequest } from '../../src/broker/coordinator/transaction/init-rules.js';
import { type TransactionConfig } from '../../src/broker/coordinator/transaction/transaction-config.js';
import {
  type IdentityAnswer,
  TransactionCoordinator,
} from '../../src/broker/coordinator/transaction/transaction-coordinator.js';
import {
  ClientVersion,
  type ProducerIdentity,
  type TransactionMetadata,
} from '../../src/broker/coordinator/transaction/transaction-metadata.js';
import { type TransactionRecord, transactionRecordCodec } from '../../src/broker/coordinator/transaction-records.js';
import { PartitionMarkers } from '../../src/broker/transaction-markers.js';
import { silentLogger } from '../../src/common/logger.js';
import { seededRandom } from '../../src/common/random.js';
import { coordinatorPartition } from '../../src/protocol/java-hash.js';
import { encodeRecords } from '../../src/protocol/record-batch.js';
import { BenchPartition } from './bench-partition.js';
import { ManualClock } from './manual-clock.js';
import { type Life, MemoryCoordinatorLog } from './memory-coordinator-log.js';

// A transaction coordinator with a manual clock, its log in memory and a few partitions to write to; and a group
// coordinator, whose offsets can be part of a transaction.

export const ID = 't';
export const PARTITIONS = 3;
const OFFSETS = '__consumer_offsets';
const ORDERS = 'orders';

const DEFAULTS: TransactionConfig = {
  maxTimeoutMs: 900_000,
  idExpirationMs: 604_800_000,
  abortTimedOutIntervalMs: 10_000,
  removeExpiredIntervalMs: 3_600_000,
};

export interface Identity extends ProducerIdentity {
  readonly transactionalId: string;
}

/** The log of `__consumer_offsets` where markers are appended to it, too. */
class OffsetsLog extends MemoryCoordinatorLog {
  readonly shards: BenchPartition[];

  constructor(partitions: number) {
    super(partitions);
    this.shards = this.batches.map(() => new BenchPartition());
  }

  override append(partition: number, batch: Buffer): { errorCode: number } {
    if (this.errorCode !== 0) return { errorCode: this.errorCode };
    return this.shards[partition]!.append(batch, { origin: 'coordinator', now: 0 });
  }

  override readAll(partition: number, visit: (batches: Buffer) => void): void {
    const { batches } = this.shards[partition]!;
    if (batches.length > 0) visit(Buffer.concat(batches));
  }
}

export class TransactionBench {
  readonly clock = new ManualClock();
  readonly log = new MemoryCoordinatorLog(2);
  readonly offsetsLog = new OffsetsLog(2);
  readonly partitions = Array.from({ length: PARTITIONS }, () => new BenchPartition());
  readonly config: TransactionConfig;
  /** Level of transaction.version. */
  version = 2;
  nextProducerId = 1_000n;
  coordinator!: TransactionCoordinator;
  groups!: GroupCoordinator;

  private constructor(config: Partial<TransactionConfig>) {
    this.config = { ...DEFAULTS, ...config };
  }

  static async open(config: Partial<TransactionConfig> = {}): Promise<TransactionBench> {
    const bench = new TransactionBench(config);
    await bench.restart();
    return bench;
  }

  /** The process ends without a word and another one starts on the same logs. */
  async restart(): Promise<void> {
    await this.coordinator?.stop();
    await this.groups?.stop();
    this.#setLife(undefined);
    for (const partition of this.#allPartitions()) partition.recover(this.clock.now());
    this.groups = this.#newGroups();
    this.coordinator = this.another(this.groups);
    await this.groups.start();
    await this.coordinator.start();
  }

  #allPartitions(): BenchPartition[] {
    return [...this.partitions, ...this.offsetsLog.shards];
  }

  #setLife(life: Life | undefined): void {
    for (const log of [this.log, ...this.#allPartitions()]) log.life = life;
  }

  /** The process will be killed after so many appends; what it does then is not stored. Ends with `restart`. */
  killAfter(appends: number): Life {
    const life = { appends };
    this.#setLife(life);
    return life;
  }

  #newGroups(): GroupCoordinator {
    return new GroupCoordinator({
      log: this.offsetsLog,
      topics: { partitionCount: (topic) => ({ [ORDERS]: PARTITIONS, [OFFSETS]: 2 })[topic] },
      config: {
        minSessionTimeoutMs: 1,
        maxSessionTimeoutMs: 1_000,
        initialRebalanceDelayMs: 0,
        maxSize: 10,
        offsetsRetentionMinutes: 10_080,
        offsetsRetentionCheckIntervalMs: 2_000_000_000,
        offsetMetadataMaxBytes: 4_096,
      },
      clock: this.clock,
      random: seededRandom(1),
      logger: silentLogger,
    });
  }

  /** A coordinator on the same logs, not started. */
  another(groups: GroupCoordinator, log = this.log): TransactionCoordinator {
    const all = {
      log: (topic: string, partition: number) =>
        topic === OFFSETS ? this.offsetsLog.shards[partition] : this.partitions[partition],
    };
    return new TransactionCoordinator({
      log,
      markers: new PartitionMarkers(all, groups, this.clock),
      producerIds: { next: async () => this.nextProducerId++ },
      config: this.config,
      version: () => this.version,
      clock: this.clock,
      logger: silentLogger,
    });
  }

  async init(request: Partial<InitRequest> = {}, transactionalId = ID): Promise<IdentityAnswer & Identity> {
    const answer = await this.coordinator.initialize(transactionalId, {
      timeoutMs: 60_000,
      expected: undefined,
      ...request,
    });
    return { ...answer, transactionalId };
  }

  add(producer: Identity, partition = 0, clientVersion: ClientVersion = ClientVersion.V0): number | Promise<number> {
    return this.coordinator.addPartitions(producer, [{ topic: ORDERS, partition }], clientVersion);
  }

  verify(producer: Identity, partition = 0): number {
    return this.coordinator.verify(producer, { topic: ORDERS, partition });
  }

  /** Appends a value as part of the transaction, whatever the coordinator thinks of it. */
  append({ producerId, producerEpoch }: Identity, value: string, sequence: number, partition = 0): number {
    const options = { producerId, producerEpoch, baseSequence: sequence, transactional: true, timestamp: 0 };
    const batch = encodeRecords([{ key: null, value: Buffer.from(value) }], options);
    return this.partitions[partition]!.append(batch, { origin: 'client', now: this.clock.now() }).errorCode;
  }

  end(producer: Identity, committed: boolean, clientVersion: ClientVersion = ClientVersion.V0) {
    const { transactionalId, producerId, producerEpoch } = producer;
    return this.coordinator.end(transactionalId, { producerId, producerEpoch, committed, clientVersion });
  }

  /** The partition that holds the group's offsets. */
  offsetsOf(groupId: string) {
    return { topic: OFFSETS, partition: coordinatorPartition(groupId, 2) };
  }

  async commitOffset(producer: Identity, groupId: string, offset: number, partitionIndex = 0): Promise<number> {
    const asked = { partitionIndex, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: '' };
    const results = await this.groups.offsets.commitInTransaction({
      groupId,
      memberId: '',
      groupInstanceId: null,
      generationId: -1,
      producer: { producerId: producer.producerId, producerEpoch: producer.producerEpoch },
      topics: [{ name: ORDERS, partitions: [asked] }],
    });
    return results[0]!.partitions[0]!.errorCode;
  }

  /** What the group has committed; 'unstable' where that may change by a transaction, with `requireStable`. */
  committedOffset(groupId: string, requireStable = false, partition = 0): number | 'unstable' {
    const { topics } = this.groups.offsets.fetch(
      groupId,
      [{ name: ORDERS, partitionIndexes: [partition] }],
      requireStable,
    );
    const { committedOffset, errorCode } = topics[0]!.partitions[0]!;
    return errorCode === 88 ? 'unstable' : committedOffset;
  }

  state(transactionalId = ID): TransactionMetadata {
    const found = this.coordinator.describe(transactionalId);
    if (typeof found !== 'object') throw new Error(`${transactionalId}: ${found}`);
    return found;
  }

  /** `state epoch` of the id, the short way to say what came of it. */
  summary(transactionalId = ID): string {
    const { state, producerEpoch } = this.state(transactionalId);
    return `${state} ${producerEpoch}`;
  }

  /** Puts a state into the log, as if it had come about; takes effect with the next restart. */
  store(metadata: Partial<TransactionMetadata>, transactionalId = ID): void {
    const record: TransactionRecord = { transactionalId, value: { ...this.state(transactionalId), ...metadata } };
    const partition = coordinatorPartition(transactionalId, this.log.partitions);
    this.log.append(partition, encodeRecords([transactionRecordCodec(() => 1).encode(record)], { timestamp: 0 }));
  }
}
