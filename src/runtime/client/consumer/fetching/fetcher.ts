import { type Timer } from '../../../../common/clock.js';
import { messageOf, NestdawError } from '../../../../common/errors.js';
import { partitionName, type TopicPartition, TopicPartitionMap } from '../../../../common/topic-partition.js';
import { brokerError, ErrorCode, errorName, needsMetadataRefresh } from '../../../../protocol/error-codes.js';
import { Fetch } from '../../../../protocol/messages/01-fetch.js';
import { type Cluster } from '../../cluster/cluster.js';
import { type AssignedPartition, type PartitionRecords, type PauseReason } from '../../consumer-client.js';
import { type ConsumerSettings } from '../consumer-options.js';
import { FetchPartition } from './fetch-partition.js';
import { type FetchAnswer, type PartitionAnswer, sendFetch } from './fetch-request.js';
import { FetchedChunk, type FetchHold } from './fetched-chunk.js';

// Keeps every assigned partition either buffered or asked for. Each leader has one long poll under way that covers
// all partitions with room; the next one leaves as soon as it is answered, while handlers work.
//
// A partition that wants records while the long poll without it is waiting (resumed, sought, drained) must not wait
// for it: it goes out at once on a side lane, over other connections, with a short wait, until the long poll is back.

/** How long a request of the side lane may wait: the most that the next resumed partition waits behind it. */
const SIDE_WAIT_MS = 10;
/** How long the long poll waits for the side lane to come back, so that both go on as one. */
const MERGE_WAIT_MS = 2 * SIDE_WAIT_MS;
const NOTHING: Buffer = Buffer.alloc(0);

type Lane = 'main' | 'side';

interface NodeLanes {
  main: boolean;
  side: boolean;
  /** When the last long poll was answered. */
  mainFreeAt: number;
  notBefore: number;
  failures: number;
}

export interface FetcherListener {
  /** Something can be polled. */
  onReady(): void;
  /** The log does not hold the position: `seek` sets a new one. */
  onOutOfRange(partition: FetchPartition): void;
  onDisconnected(reason: string): void;
}

export class Fetcher {
  readonly #partitions = new TopicPartitionMap<FetchPartition>();
  #order: FetchPartition[] = [];
  #turn = 0;
  readonly #nodes = new Map<number, NodeLanes>();
  #flowing = false;
  /** Fetches: what flows, and what is about to. */
  #filling = false;
  #heldBytes = 0;
  #isFull = false;
  #wakeUp: { readonly at: number; readonly timer: Timer } | undefined;
  #isRefreshing = false;

  constructor(
    readonly cluster: Cluster,
    /** Carries the side lane; a cluster of its own, so that a long poll is not in its way. */
    readonly sideCluster: Cluster,
    readonly settings: ConsumerSettings,
    readonly listener: FetcherListener,
  ) {}

  /** Bytes of answers that wait for `take`, counted by whole answer: one slice keeps all of it in memory. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Replaces the assignment. Kept partitions go on with what they have under their new epoch; new ones wait for `flow`.
   */
  assign(added: readonly AssignedPartition[], kept: readonly AssignedPartition[]): void {
    const goOn = new Set(
      kept.map(({ topic, partition, assignmentEpoch }) => {
        const partitionState = this.#partitions.get(topic, partition)!;
        partitionState.assignmentEpoch = assignmentEpoch;
        return partitionState;
      }),
    );
    for (const old of this.#order) if (!goOn.has(old)) this.#remove(old);
    for (const { topic, partition, assignmentEpoch, position } of added) {
      const state = new FetchPartition(topic, partition, assignmentEpoch, position, this.settings.checkCrcs, (chunk) =>
        this.#release(chunk.hold),
      );
      state.pauses.add('assignment'); // the others of a cooperative member flow meanwhile
      this.#partitions.set(topic, partition, state);
      goOn.add(state);
    }
    this.#order = [...goOn];
    this.#turn = 0;
  }

  /** Opens connections to the leaders ahead of the first fetch; what fails here is told by that one. */
  connect(partitions: readonly TopicPartition[]): void {
    this.#connectTo(new Set(partitions.map(({ topic, partition }) => this.cluster.leaderOf(topic, partition))));
  }

  /**
   * The same before anything is assigned, where one node leads all partitions of the topics: it is needed in any case.
   */
  connectAhead(topics: readonly string[]): void {
    const leaders = new Set<number>();
    for (const topic of topics) {
      for (let partition = 0; this.cluster.leaderOf(topic, partition) >= 0; partition++) {
        leaders.add(this.cluster.leaderOf(topic, partition));
      }
    }
    if (leaders.size === 1) this.#connectTo(leaders);
  }

  #connectTo(leaders: ReadonlySet<number>): void {
    for (const nodeId of leaders) {
      if (nodeId >= 0) this.cluster.versionOf(nodeId, Fetch).catch(() => undefined);
    }
  }

  /** Gives single partitions up; the others go on. */
  remove(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const state = this.#partitions.get(topic, partition);
      if (!state) continue;
      this.#remove(state);
      this.#order.splice(this.#order.indexOf(state), 1);
    }
    this.#turn = 0;
  }

  #remove(partition: FetchPartition): void {
    partition.drop();
    this.#partitions.delete(partition.topic, partition.partition);
  }

  /** Begins to fetch, ahead of handing over. */
  fill(): void {
    this.#filling = true;
    this.#pump();
  }

  /** Begins, or begins again, to fetch and to hand over. */
  flow(): void {
    this.#filling = true;
    this.#flowing = true;
    for (const partition of this.#order) partition.pauses.delete('assignment');
    if (this.#order.some((partition) => partition.isReady)) this.listener.onReady();
    this.#pump();
  }

  /** Sends nothing and hands nothing over until `flow`; answers under way are still kept. */
  halt(): void {
    this.#filling = false;
    this.#flowing = false;
  }

  close(): void {
    this.halt();
    this.assign([], []);
    this.#wakeUp?.timer.cancel();
  }

  get(topic: string, partition: number): FetchPartition | undefined {
    return this.#partitions.get(topic, partition);
  }

  partitions(): readonly FetchPartition[] {
    return this.#order;
  }

  seek(topic: string, partition: number, offset: number): void {
    const state = this.#partitions.get(topic, partition);
    if (!state) return;
    state.seek(offset);
    this.#pump();
  }

  pause(partitions: readonly TopicPartition[], reason: PauseReason): void {
    for (const { topic, partition } of partitions) this.#partitions.get(topic, partition)?.pauses.add(reason);
  }

  resume(partitions: readonly TopicPartition[], reason: PauseReason): void {
    let isReady = false;
    for (const { topic, partition } of partitions) {
      const state = this.#partitions.get(topic, partition);
      if (state?.pauses.delete(reason)) isReady ||= state.isReady;
    }
    if (isReady && this.#flowing) this.listener.onReady();
    this.#pump();
  }

  /**
   * Hands over at most `maxRecords` of what is buffered, beginning with another partition each time. Throws the error
   * of a bad batch when there is nothing else; the partition is then asked for again from the same position.
   */
  take(maxRecords: number): PartitionRecords[] {
    const taken: PartitionRecords[] = [];
    if (!this.#flowing) return taken;
    const order = this.#order;
    let left = maxRecords;
    let failed: FetchPartition | undefined;
    let looked = 0;
    for (; looked < order.length && left > 0; looked++) {
      const partition = order[(this.#turn + looked) % order.length]!;
      if (!partition.isReady) continue;
      const records = partition.take(left);
      if (records) {
        taken.push(records);
        left -= records.records.length;
      }
      if (partition.error !== undefined) failed ??= partition;
    }
    if (order.length > 0) this.#turn = (this.#turn + Math.max(1, looked)) % order.length;
    if (taken.length === 0 && failed) this.#throwErrorOf(failed);
    if (looked > 0) this.#pump();
    return taken;
  }

  #throwErrorOf(partition: FetchPartition): never {
    const { error } = partition;
    partition.error = undefined;
    partition.drop();
    this.#backOff(partition);
    throw error;
  }

  /** Sends what can be sent. Cheap when nothing can. */
  #pump(): void {
    if (!this.#filling) return;
    const now = this.settings.clock.monotonic();
    const wanted = new Map<number, FetchPartition[]>();
    for (const partition of this.#order) {
      if (partition.covering !== undefined || !this.#wants(partition)) continue;
      if (partition.notBefore > now) this.#pumpAt(partition.notBefore);
      else this.#routeTo(wanted, partition);
    }
    for (const [nodeId, partitions] of wanted) this.#send(nodeId, partitions, now);
  }

  #send(nodeId: number, partitions: readonly FetchPartition[], now: number): void {
    const lanes = this.#lanesOf(nodeId);
    const { notBefore, mainFreeAt } = lanes;
    if (notBefore > now) {
      this.#pumpAt(notBefore);
    } else if (lanes.main) {
      if (!lanes.side) void this.#fetch(nodeId, lanes, 'side', partitions);
    } else if (lanes.side && now - mainFreeAt < MERGE_WAIT_MS) {
      // The long poll would leave without what the side lane asks for, which would then stay there for good.
      this.#pumpAt(mainFreeAt + MERGE_WAIT_MS);
    } else {
      void this.#fetch(nodeId, lanes, 'main', partitions);
    }
  }

  /**
   * Whether more of the partition should be fetched. A paused one is covered until it has something, so that a resume
   * finds it; an empty one that is not paused always, or partitions that nobody polls could starve it.
   */
  #wants(partition: FetchPartition): boolean {
    if (partition.isResetting || partition.error !== undefined) return false;
    if (partition.bufferedBytes === 0) return !(this.#isFull && partition.isPaused);
    if (this.#isFull || partition.isPaused) return false;
    return partition.bufferedBytes <= this.settings.maxPartitionFetchBytes / 2;
  }

  #routeTo(wanted: Map<number, FetchPartition[]>, partition: FetchPartition): void {
    const leader = this.cluster.leaderOf(partition.topic, partition.partition);
    if (leader < 0) {
      this.#backOff(partition);
      // By name: what the metadata does not know yet, or not any more, is in no refresh of all that it knows.
      this.#refreshMetadata(partition.topic);
      return;
    }
    const known = wanted.get(leader);
    if (known) known.push(partition);
    else wanted.set(leader, [partition]);
  }

  #lanesOf(nodeId: number): NodeLanes {
    let lanes = this.#nodes.get(nodeId);
    if (!lanes) {
      lanes = { main: false, side: false, mainFreeAt: 0, notBefore: 0, failures: 0 };
      this.#nodes.set(nodeId, lanes);
    }
    return lanes;
  }

  async #fetch(nodeId: number, lanes: NodeLanes, lane: Lane, partitions: readonly FetchPartition[]): Promise<void> {
    const { settings } = this;
    const covering = { lane };
    for (const partition of partitions) partition.covering = covering;
    lanes[lane] = true;
    try {
      const cluster = lane === 'main' ? this.cluster : this.sideCluster;
      const answer = await sendFetch(cluster, nodeId, partitions, settings, {
        maxWaitMs: lane === 'main' ? settings.fetchMaxWaitMs : Math.min(SIDE_WAIT_MS, settings.fetchMaxWaitMs),
        maxBytes: this.#roomFor(settings.fetchMaxBytes),
      });
      lanes.failures = 0;
      if (answer.throttleTimeMs > 0) lanes.notBefore = settings.clock.monotonic() + answer.throttleTimeMs;
      this.#answered(answer, covering);
    } catch (error) {
      this.#failed(nodeId, lanes, lane, error);
    }
    lanes[lane] = false;
    if (lane === 'main') lanes.mainFreeAt = settings.clock.monotonic();
    for (const partition of partitions) if (partition.covering === covering) partition.covering = undefined;
    this.#pump();
  }

  /** Keeps what is held near the limit: at least one partition's share, so that reading always goes on. */
  #roomFor(fetchMaxBytes: number): number {
    const { fetchBufferBytes, maxPartitionFetchBytes } = this.settings;
    return Math.min(fetchMaxBytes, Math.max(maxPartitionFetchBytes, fetchBufferBytes - this.#heldBytes));
  }

  #failed(nodeId: number, lanes: NodeLanes, lane: Lane, error: unknown): void {
    if (!this.#filling) return;
    lanes.failures++;
    const delayMs = this.settings.backoff(lanes.failures);
    lanes.notBefore = this.settings.clock.monotonic() + delayMs;
    if (lanes.failures === 1) this.listener.onDisconnected(`fetch from node ${nodeId}: ${messageOf(error)}`);
    if (lane === 'main') this.#refreshMetadata();
    else void this.sideCluster.refreshMetadata().catch((reason) => this.#note('metadata of the side lane', reason));
  }

  #answered({ errorCode, responses }: FetchAnswer, covering: object): void {
    if (errorCode !== ErrorCode.NONE) throw brokerError(errorCode, `Fetch of group '${this.settings.groupId}'`);
    const accepted: Array<readonly [FetchPartition, PartitionAnswer]> = [];
    for (const { topic, partitions } of responses) {
      for (const answer of partitions) {
        const partition = this.#partitions.get(topic, answer.partitionIndex);
        // Sought, dropped or reassigned since the request left: the answer is for another position.
        if (partition?.covering === covering) accepted.push([partition, answer]);
      }
    }
    const hold = { bytes: 0, memory: NOTHING, parts: 0 };
    for (const [, { records }] of accepted) {
      if (records === null) continue;
      hold.bytes += records.length;
      hold.memory = records;
    }
    let isReady = false;
    for (const [partition, answer] of accepted) {
      if (answer.errorCode !== ErrorCode.NONE) this.#refused(partition, answer.errorCode);
      else if (this.#received(partition, answer, hold)) isReady ||= partition.isReady;
    }
    if (hold.parts > 0) this.#hold(hold);
    else this.cluster.release(hold.memory);
    if (isReady && this.#flowing) this.listener.onReady();
  }

  #received(partition: FetchPartition, answer: PartitionAnswer, hold: FetchHold): boolean {
    partition.failures = 0;
    partition.highWatermark = answer.highWatermark;
    if (answer.records === null || answer.records.length === 0) return false;
    const { topic, partition: number } = partition;
    const chunk = new FetchedChunk(topic, number, answer.records, hold, answer.abortedTransactions);
    if (chunk.remainingBytes === 0) {
      partition.error = new NestdawError(
        'KAFKA_PROTOCOL_MALFORMED',
        `${partitionName({ topic, partition: number })} at ${partition.fetchOffset}: ${answer.records.length} bytes without a whole batch`,
      );
      return true;
    }
    hold.parts++;
    partition.add(chunk);
    // What brought data goes to the end: with more data than fetch.max.bytes the others come first next time.
    this.#order.splice(this.#order.indexOf(partition), 1);
    this.#order.push(partition);
    return true;
  }

  #refused(partition: FetchPartition, code: number): void {
    const name = partitionName(partition);
    if (code === ErrorCode.OFFSET_OUT_OF_RANGE && partition.bufferedBytes === 0) {
      partition.isResetting = true;
      this.listener.onOutOfRange(partition);
      return;
    }
    if (code === ErrorCode.TOPIC_AUTHORIZATION_FAILED) partition.error = brokerError(code, `reading ${name}`);
    else if (!needsMetadataRefresh(code)) {
      this.settings.logger.warn(
        `Fetch of ${name} at ${partition.fetchOffset}: ${errorName(code)} (${code}), tried again`,
      );
    }
    this.#backOff(partition);
    if (needsMetadataRefresh(code)) this.#refreshMetadata();
    if (partition.isReady) this.listener.onReady();
  }

  #backOff(partition: FetchPartition): void {
    partition.failures++;
    partition.notBefore = this.settings.clock.monotonic() + this.settings.backoff(partition.failures);
    this.#pumpAt(partition.notBefore);
  }

  #refreshMetadata(unknownTopic?: string): void {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    const { cluster } = this;
    const refresh: Promise<unknown> =
      unknownTopic === undefined ? cluster.refreshMetadata() : cluster.partitionsOf(unknownTopic, { refresh: true });
    void refresh
      .catch((error) => this.#note('metadata', error))
      .finally(() => {
        this.#isRefreshing = false;
        this.#pump();
      });
  }

  /** Failures while the cluster is away: the next try follows by back-off, and the first one was reported. */
  #note(what: string, error: unknown): void {
    this.settings.logger.debug?.(`${what} of group '${this.settings.groupId}': ${messageOf(error)}`);
  }

  #pumpAt(at: number): void {
    if (this.#wakeUp && this.#wakeUp.at <= at) return;
    this.#wakeUp?.timer.cancel();
    const { clock } = this.settings;
    // Whole milliseconds, rounded up: a timer that came a fraction early would be set again and again.
    const timer = clock.schedule(Math.ceil(at - clock.monotonic()), () => {
      this.#wakeUp = undefined;
      this.#pump();
    });
    this.#wakeUp = { at, timer };
  }

  #hold(hold: FetchHold): void {
    this.#heldBytes += hold.bytes;
    if (this.#heldBytes >= this.settings.fetchBufferBytes) this.#isFull = true;
  }

  #release(hold: FetchHold): void {
    hold.parts--;
    if (hold.parts > 0) return;
    this.#heldBytes -= hold.bytes;
    if (this.#heldBytes <= this.settings.fetchBufferBytes / 2) this.#isFull = false;
    this.cluster.release(hold.memory);
  }
}
