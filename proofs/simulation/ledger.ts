import { type Clock } from '../../src/common/clock.js';
import { type KafkaRecord } from '../../src/common/record.js';
import { apisByKey, flexibleFromOf } from '../../src/protocol/api-keys.js';
import { ErrorCode } from '../../src/protocol/error-codes.js';
import { decodeRequestHeader, decodeResponsePayload } from '../../src/protocol/frame.js';
import { Heartbeat, JoinGroup, OffsetCommit, OffsetFetch, SyncGroup } from '../../src/protocol/messages/index.js';
import { decodeGapMap } from '../../src/runtime/dispatch/gap-map.js';
import { type OffsetRange } from '../../src/runtime/dispatch/offset-range.js';
import { laneOf, type Setup } from './setup.js';

// What the whole group has done, and what of it was allowed. It outlives every process, knows each effect that a
// handler has had, and sees each commit that the broker took and each offset that it told.
//
//   lost        a stored record has no effect when everything has become calm
//   order       a record has its effect before the one in front of it in its lane
//   two owners  two handlers of one lane run at once, and both are members of the same generation
//   session     a handler begins when its consumer has not been heard of for longer than the session lasts
//   repeated    a record runs again that the offsets covered with which its owner began
//   commits     one covers a record that is not finished, goes back, or is taken from a generation that has passed

interface RecordFacts {
  readonly lane: string | undefined;
  /** The record in front of it in its lane. */
  readonly before: number | undefined;
  hasEffect: boolean;
  /** May be committed: handled, acknowledged, or passed over by a policy. */
  isFinished: boolean;
}

interface Committed {
  readonly offset: number;
  readonly ranges: readonly OffsetRange[];
}

/** Session time-out of all members. */
export const SESSION_MS = 10_000;
/** The longest that a request or an answer is on its way. */
export const MAX_DELAY_MS = 3_000;

const OBSERVED = new Set<number>([OffsetCommit, OffsetFetch, JoinGroup, SyncGroup, Heartbeat].map(({ key }) => key));
/** Codes that the group gives to its members only. */
const MEMBERS = new Set<number>([ErrorCode.NONE, ErrorCode.REBALANCE_IN_PROGRESS, ErrorCode.ILLEGAL_GENERATION]);

const NOTHING: Committed = { offset: 0, ranges: [] };

/** What a process knows of one partition since it was assigned. */
export interface Tenure {
  readonly begun: Committed;
  /** Offsets that were finished in it. */
  readonly finished: Set<number>;
}

/** A handler that runs. */
export interface Run {
  readonly process: string;
  readonly clientId: string;
  /** Which of its process's consumers, and since which start of the container. */
  readonly consumer: string;
  readonly record: KafkaRecord;
  readonly signal: AbortSignal;
  /** The latest generation that its consumer has joined. */
  readonly generation: () => number;
}

export class Ledger {
  readonly violations: string[] = [];
  readonly #records: RecordFacts[][];
  readonly #lastOfLane = new Map<string, number>();
  readonly #running = new Map<string, Set<Run>>();
  readonly #committed: Committed[];
  /** The same without commits that had been given up, and sent again, before they arrived. */
  readonly #committedInOrder: Committed[];
  /** What the broker last told each client, by partition. */
  readonly #told = new Map<string, Map<number, Committed>>();
  /** When the group last heard of each client, as a member of it. */
  readonly #heardAt = new Map<string, number>();
  #stableGeneration = -1;
  effects = 0;
  repeats = 0;
  commits = 0;
  /** Everything that happened, in a number: the same for the same run. */
  digest = 0;

  constructor(
    readonly setup: Setup,
    readonly clock: Clock,
  ) {
    this.#records = Array.from({ length: setup.partitions }, () => []);
    this.#committed = Array.from({ length: setup.partitions }, () => NOTHING);
    this.#committedInOrder = [...this.#committed];
  }

  note(what: string): void {
    if (process.env.TRACE_SIMULATION) console.log(what);
    for (let i = 0; i < what.length; i++) this.digest = (Math.imul(this.digest, 31) + what.charCodeAt(i)) | 0;
  }

  violate(what: string): void {
    this.note(`VIOLATION ${what}`);
    if (this.violations.length < 20) this.violations.push(what);
  }

  stored(partition: number, offset: number, key: Buffer | null): void {
    const lane = laneOf({ partition, key }, this.setup);
    const facts = {
      lane,
      before: lane === undefined ? undefined : this.#lastOfLane.get(lane),
      hasEffect: false,
      isFinished: false,
    };
    this.#records[partition]![offset] = facts;
    if (lane !== undefined) this.#lastOfLane.set(lane, offset);
  }

  /** A partition was assigned to a consumer. */
  tenure(clientId: string, partition: number): Tenure {
    return { begun: this.#told.get(clientId)?.get(partition) ?? NOTHING, finished: new Set() };
  }

  begin(run: Run, tenure: Tenure): void {
    const { record, process: name } = run;
    const what = `${name} runs ${record.partition}:${record.offset}`;
    this.note(what);
    if (covers(tenure.begun, record.offset)) {
      this.violate(`${what} although ${text(tenure.begun)} was committed when it began`);
    }
    const silentMs = this.clock.monotonic() - (this.#heardAt.get(run.clientId) ?? 0);
    if (silentMs > SESSION_MS + MAX_DELAY_MS) this.violate(`${what} although unheard of for ${silentMs} ms`);
    if (tenure.finished.has(record.offset)) this.violate(`${what} again although it was finished there`);
    const { lane } = this.#factsOf(record);
    if (lane === undefined) return;
    const others = this.#running.get(lane) ?? new Set();
    for (const other of others) this.#checkOverlap(run, other, what, lane);
    this.#running.set(lane, others.add(run));
  }

  #checkOverlap(run: Run, other: Run, what: string, lane: string): void {
    if (other.process === run.process && other.consumer === run.consumer) {
      this.violate(`${what} while its own handler of ${other.record.offset} still runs in lane ${lane}`);
      return;
    }
    // One that has been put out of the group cannot know it yet: its next request tells it, and its commits are
    // refused.
    if (other.signal.aborted || other.generation() !== run.generation()) return;
    this.violate(`${what} in generation ${run.generation()} while ${other.process} runs ${other.record.offset} there`);
  }

  /** The handler has ended, one way or the other. */
  end(run: Run): void {
    const { lane } = this.#factsOf(run.record);
    if (lane !== undefined) this.#running.get(lane)!.delete(run);
  }

  effect(name: string, record: KafkaRecord): void {
    const facts = this.#factsOf(record);
    const what = `${name} has done ${record.partition}:${record.offset}`;
    this.note(what);
    this.effects++;
    if (facts.hasEffect) {
      this.repeats++;
      return;
    }
    if (facts.before !== undefined && !this.#records[record.partition]![facts.before]!.hasEffect) {
      this.violate(`${what} before ${facts.before} of ${facts.lane}`);
    }
    facts.hasEffect = true;
  }

  finished(record: KafkaRecord): void {
    this.#factsOf(record).isFinished = true;
  }

  /** A policy that the user named passed the record over. */
  skipped(record: KafkaRecord): void {
    const facts = this.#factsOf(record);
    facts.hasEffect = facts.isFinished = true;
    this.note(`skipped ${record.partition}:${record.offset}`);
  }

  /** Its process has died. */
  gone(name: string): void {
    for (const runs of this.#running.values()) {
      for (const run of runs) if (run.process === name) runs.delete(run);
    }
  }

  /** Sees every request that the broker answered. */
  observe(frame: Buffer, answer: Buffer, isLate: boolean): void {
    const apiKey = frame.readInt16BE(0);
    if (!OBSERVED.has(apiKey)) return;
    const api = apisByKey.get(apiKey)!;
    const { apiVersion, reader, clientId } = decodeRequestHeader(frame, flexibleFromOf);
    const asked = api.request.decode(reader, apiVersion) as any;
    const said = decodeResponsePayload(api, apiVersion, answer.subarray(4)) as any;
    if (apiKey === OffsetCommit.key) this.#observeCommit(clientId, asked, said, isLate);
    else if (apiKey === OffsetFetch.key && !isLate) this.#observeTold(clientId, said);
    else if (MEMBERS.has(said.errorCode)) this.#heardAt.set(clientId, this.clock.monotonic());
    if (apiKey === SyncGroup.key && said.errorCode === 0) {
      this.#stableGeneration = Math.max(this.#stableGeneration, asked.generationId);
    }
  }

  #observeTold(clientId: string, said: any): void {
    const told = this.#told.get(clientId) ?? new Map<number, Committed>();
    this.#told.set(clientId, told);
    for (const { topics, errorCode } of said.groups ?? [said]) {
      if (errorCode !== 0) continue;
      for (const { partitionIndex, committedOffset, metadata } of topics.flatMap((topic: any) => topic.partitions)) {
        told.set(partitionIndex, this.#committedOf(Math.max(0, committedOffset), metadata ?? ''));
      }
    }
  }

  #observeCommit(clientId: string, asked: any, said: any, isLate: boolean): void {
    const generation = asked.generationIdOrMemberEpoch as number;
    for (const [t, { partitions }] of asked.topics.entries()) {
      for (const [p, { partitionIndex, committedOffset, committedMetadata }] of partitions.entries()) {
        if (said.topics[t].partitions[p].errorCode !== 0) continue;
        const committed = this.#committedOf(committedOffset, committedMetadata ?? '');
        const what = `commit of ${partitionIndex}: ${text(committed)} by ${clientId} in generation ${generation}`;
        this.note(what);
        this.commits++;
        if (generation < this.#stableGeneration) this.violate(`${what} was taken in ${this.#stableGeneration}`);
        this.#judgeCommit(what, partitionIndex, committed, isLate);
        this.#committed[partitionIndex] = committed;
        if (!isLate) this.#committedInOrder[partitionIndex] = committed;
      }
    }
  }

  #judgeCommit(what: string, partition: number, committed: Committed, isLate: boolean): void {
    const before = this.#committed[partition]!;
    for (const [offset, { isFinished }] of this.#records[partition]!.entries()) {
      const isCovered = covers(committed, offset);
      if (isCovered && !isFinished) this.violate(`${what} covers ${offset}, which is not finished`);
      // A commit that was given up and sent again may arrive behind later ones: they carry no order.
      if (!isCovered && !isLate && covers(before, offset)) this.violate(`${what} goes back from ${text(before)}`);
    }
  }

  #committedOf(offset: number, metadata: string): Committed {
    return { offset, ranges: (this.setup.gapMap ? decodeGapMap(offset, metadata) : undefined) ?? [] };
  }

  /** Records without an effect, and partitions that are not committed to their end. */
  missing(): string[] {
    return this.#records.flatMap((records, partition) => {
      const undone = records.findIndex(({ hasEffect }) => !hasEffect);
      if (undone >= 0) return [`${partition}:${undone} of ${records.length} was not done`];
      // One that comes late, when nothing is left to be committed, stays: that repeats records, and loses none.
      const { offset } = this.#committedInOrder[partition]!;
      return offset < records.length ? [`${partition} is committed to ${offset} of ${records.length}`] : [];
    });
  }

  #factsOf({ partition, offset }: Pick<KafkaRecord, 'partition' | 'offset'>): RecordFacts {
    return this.#records[partition]![offset]!;
  }
}

function covers({ offset: committed, ranges }: Committed, offset: number): boolean {
  return offset < committed || ranges.some(({ from, to }) => from <= offset && offset < to);
}

function text({ offset, ranges }: Committed): string {
  return [`${offset}`, ...ranges.map(({ from, to }) => `[${from},${to})`)].join(' ');
}
