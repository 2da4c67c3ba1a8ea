import { type Backoff } from '../../../common/backoff.js';
import { type Clock, sleep } from '../../../common/clock.js';
import { messageOf, NestdawError } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { type TopicPartition } from '../../../common/topic-partition.js';
import { type Api, type RequestInput, type ResponseOf } from '../../../protocol/api.js';
import { brokerError, ErrorCode } from '../../../protocol/error-codes.js';
import { ApiVersions } from '../../../protocol/messages/18-api-versions.js';
import { InitProducerId } from '../../../protocol/messages/22-init-producer-id.js';
import { AddPartitionsToTxn } from '../../../protocol/messages/24-add-partitions-to-txn.js';
import { AddOffsetsToTxn } from '../../../protocol/messages/25-add-offsets-to-txn.js';
import { EndTxn } from '../../../protocol/messages/26-end-txn.js';
import { TxnOffsetCommit } from '../../../protocol/messages/28-txn-offset-commit.js';
import { type Cluster } from '../cluster/cluster.js';
import { Coordinator } from '../cluster/coordinator.js';
import { commitTopics } from '../consumer/positions/offset-client.js';
import { type CommitOffset, type GroupMetadata } from '../consumer-client.js';
import { type Identity } from './partition-queue.js';
import { type TransactionVersion } from './transaction-state.js';
import { isBusy, transactionVerdict, undecidedError } from './transaction-verdict.js';

// The requests of a transactional producer and their one retry loop: what may succeed later is sent again, to the
// coordinator as it is then, until max.block.ms is over.

export interface TransactionRequestsOptions {
  readonly cluster: Cluster;
  readonly transactionalId: string;
  readonly transactionTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly maxBlockMs: number;
  readonly clock: Clock;
  readonly backoff: Backoff;
  readonly logger: Logger;
}

/** A coordinator that still writes the markers of the transaction before is ready again within this (as in Java). */
const BUSY_MS = 20;
/** Version 6 of InitProducerId is for two-phase commit, 4 of AddPartitionsToTxn for brokers. */
const INIT_VERSION = 5;
const ADD_PARTITIONS_VERSION = 3;
const IMPLICIT_VERSION = 5;

export class TransactionRequests {
  readonly #options: TransactionRequestsOptions;
  readonly #coordinator: Coordinator;
  readonly #groups = new Map<string, Coordinator>();
  readonly #stopped = new AbortController();
  #throttledUntil = 0;

  constructor(options: TransactionRequestsOptions) {
    this.#options = options;
    this.#coordinator = new Coordinator(options.cluster, 'transaction', options.transactionalId);
  }

  /** Ends every try; calls that wait reject. */
  stop(): void {
    this.#stopped.abort();
  }

  /** A producer id. With `current` the next epoch of it, refused when somebody else has taken over (KIP-360). */
  init(current: Identity | undefined): Promise<{ readonly identity: Identity; readonly version: TransactionVersion }> {
    const { transactionalId, transactionTimeoutMs } = this.#options;
    return this.#retrying('InitProducerId', async () => {
      const answer = await this.#ask(this.#coordinator, InitProducerId, INIT_VERSION, (version) => ({
        transactionalId,
        transactionTimeoutMs,
        ...(current && version >= 3 ? { producerId: current.producerId, producerEpoch: current.epoch } : {}),
      }));
      this.#check(this.#coordinator, answer.errorCode, 'producer id');
      const identity = { producerId: answer.producerId, epoch: answer.producerEpoch };
      return { identity, version: await this.#versionInForce() };
    });
  }

  addPartitions({ producerId, epoch }: Identity, partitions: readonly TopicPartition[]): Promise<void> {
    const byTopic = new Map<string, number[]>();
    for (const { topic, partition } of partitions) {
      const known = byTopic.get(topic);
      if (known) known.push(partition);
      else byTopic.set(topic, [partition]);
    }
    const v3AndBelowTopics = [...byTopic].map(([name, numbers]) => ({ name, partitions: numbers }));
    return this.#retrying('AddPartitionsToTxn', async () => {
      const answer = await this.#ask(this.#coordinator, AddPartitionsToTxn, ADD_PARTITIONS_VERSION, () => ({
        v3AndBelowTransactionalId: this.#options.transactionalId,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: epoch,
        v3AndBelowTopics,
      }));
      const failed = answer.resultsByTopicV3AndBelow.flatMap(({ name, resultsByPartition }) =>
        resultsByPartition
          .filter(({ partitionErrorCode }) => partitionErrorCode !== ErrorCode.NONE)
          .map(({ partitionIndex, partitionErrorCode }) => ({
            code: partitionErrorCode,
            context: `${name}-${partitionIndex}`,
          })),
      );
      // One bad partition keeps the good ones out: theirs says only that.
      const first = failed.find(({ code }) => code !== ErrorCode.OPERATION_NOT_ATTEMPTED) ?? failed[0];
      if (first) this.#check(this.#coordinator, first.code, `adding ${first.context} to the transaction`);
    });
  }

  addOffsets({ producerId, epoch }: Identity, groupId: string): Promise<void> {
    const { transactionalId } = this.#options;
    return this.#retrying('AddOffsetsToTxn', async () => {
      const answer = await this.#ask(this.#coordinator, AddOffsetsToTxn, AddOffsetsToTxn.maxVersion, () => {
        return { transactionalId, producerId, producerEpoch: epoch, groupId };
      });
      this.#check(this.#coordinator, answer.errorCode, `adding the offsets of group ${groupId} to the transaction`);
    });
  }

  /** Version 5 (under transaction version 2) adds the group's offsets to the transaction by itself. */
  commitOffsets(
    { producerId, epoch }: Identity,
    version: TransactionVersion,
    offsets: readonly CommitOffset[],
    group: GroupMetadata,
  ): Promise<void> {
    const { groupId, generationId, memberId, groupInstanceId = null } = group;
    const coordinator = this.#groupCoordinator(groupId);
    const highest = version === 2 ? IMPLICIT_VERSION : IMPLICIT_VERSION - 1;
    const context = `committing offsets of group ${groupId} in the transaction`;
    return this.#retrying('TxnOffsetCommit', async () => {
      const answer = await this.#ask(coordinator, TxnOffsetCommit, highest, (used) => {
        if (used < 3 && memberId !== '') throw tooOld(used);
        const { transactionalId } = this.#options;
        const sender = { transactionalId, producerId, producerEpoch: epoch };
        return { ...sender, groupId, generationId, memberId, groupInstanceId, topics: commitTopics(offsets) };
      });
      const codes = answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
      const refused = codes.filter((code) => code !== ErrorCode.NONE);
      const errors = refused.map((code) => brokerError(code, context));
      const worst = errors.find((error) => !error.retriable) ?? errors[0];
      if (worst) this.#check(coordinator, worst.errorCode, context);
    });
  }

  /** The identity of the next transaction under version 2. */
  end({ producerId, epoch }: Identity, version: TransactionVersion, committed: boolean): Promise<Identity | undefined> {
    const { transactionalId } = this.#options;
    const highest = version === 2 ? IMPLICIT_VERSION : IMPLICIT_VERSION - 1;
    return this.#retrying(committed ? 'the commit' : 'the abort', async () => {
      const answer = await this.#ask(this.#coordinator, EndTxn, highest, () => {
        return { transactionalId, producerId, producerEpoch: epoch, committed };
      });
      this.#check(this.#coordinator, answer.errorCode, committed ? 'committing' : 'aborting');
      return version === 2 ? { producerId: answer.producerId, epoch: answer.producerEpoch } : undefined;
    });
  }

  /** What the cluster has finalized, as the coordinator says it; nodes older than the feature are at 1. */
  async #versionInForce(): Promise<TransactionVersion> {
    const { cluster } = this.#options;
    const nodeId = await this.#coordinator.find();
    const [end, ask] = await Promise.all([cluster.versionOf(nodeId, EndTxn), cluster.versionOf(nodeId, ApiVersions)]);
    if (end < IMPLICIT_VERSION || ask < 3) return 1;
    const software = { clientSoftwareName: 'nestdaw', clientSoftwareVersion: '1' };
    const { finalizedFeatures } = await cluster.send(nodeId, ApiVersions, 3, software, this.#patience());
    const feature = finalizedFeatures.find(({ name }) => name === 'transaction.version');
    return feature && feature.maxVersionLevel >= 2 ? 2 : 1;
  }

  async #ask<A extends Api>(
    coordinator: Coordinator,
    api: A,
    highest: number,
    request: (version: number) => RequestInput<A>,
  ): Promise<ResponseOf<A>> {
    const { clock } = this.#options;
    const wait = this.#throttledUntil - clock.monotonic();
    if (wait > 0) await sleep(clock, wait, this.#stopped.signal);
    const { response } = await coordinator.send(api, highest, request, this.#patience());
    const { throttleTimeMs } = response as unknown as { readonly throttleTimeMs: number };
    if (throttleTimeMs > 0) this.#throttledUntil = clock.monotonic() + throttleTimeMs;
    return response;
  }

  #patience(): { readonly timeoutMs: number } {
    return { timeoutMs: Math.min(this.#options.requestTimeoutMs, this.#options.maxBlockMs) };
  }

  #check(coordinator: Coordinator, code: number, context: string): void {
    if (code === ErrorCode.NONE) return;
    const { nodeId } = coordinator;
    if (nodeId !== undefined) coordinator.movedAway(nodeId, code);
    throw brokerError(code, context);
  }

  #groupCoordinator(groupId: string): Coordinator {
    let coordinator = this.#groups.get(groupId);
    if (!coordinator) {
      coordinator = new Coordinator(this.#options.cluster, 'group', groupId);
      this.#groups.set(groupId, coordinator);
    }
    return coordinator;
  }

  async #retrying<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    const { clock, backoff, maxBlockMs, transactionalId, logger } = this.#options;
    const { signal } = this.#stopped;
    const deadline = clock.monotonic() + maxBlockMs;
    for (let failures = 1; ; failures++) {
      try {
        return await attempt();
      } catch (error) {
        if (signal.aborted) throw new NestdawError('KAFKA_STOPPED', `${transactionalId}: stopped before ${what} ended`);
        if (transactionVerdict(error) !== 'retry') throw error;
        const wait = isBusy(error) ? BUSY_MS : backoff(failures);
        if (clock.monotonic() + wait > deadline) throw undecidedError(transactionalId, what, maxBlockMs, error);
        if (!isBusy(error)) logger.debug?.(`${transactionalId}: ${what} is tried again: ${messageOf(error)}`);
        await sleep(clock, wait, signal);
      }
    }
  }
}

function tooOld(version: number): NestdawError {
  return new NestdawError(
    'KAFKA_UNSUPPORTED_VERSION',
    `TxnOffsetCommit: the broker serves up to version ${version}; offsets in a transaction need 3 (a broker of version 2.5 or newer), which fences consumers that lost their partitions`,
  );
}
