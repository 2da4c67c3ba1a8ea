import { apisByKey, flexibleFromOf } from '../../src/protocol/api-keys.js';
import { decodeRequestHeader, decodeResponsePayload } from '../../src/protocol/frame.js';
import { OffsetCommit, SyncGroup } from '../../src/protocol/messages/index.js';

// What a group may do and what not, told from its records' effects and from what passed over the wire.

interface PartitionFacts {
  /** Records in the log. */
  end: number;
  readonly done: Set<number>;
  /** Smallest offset that is not done. */
  doneUntil: number;
  /** Offset in the last commit that the broker took, -1 before the first. */
  committed: number;
}

/** A partition in the hands of a member. */
interface Holding {
  readonly member: string;
  readonly generation: number;
}

export class GroupChecker {
  readonly violations: string[] = [];
  readonly #partitions: PartitionFacts[];
  /** Latest generation in which an assignment was handed out. */
  #stableGeneration = -1;
  readonly #holdings: Array<Map<string, Holding>>;
  repeats = 0;
  effects = 0;
  assignments = 0;
  commits = 0;
  /** Everything that happened, in a number: the same for the same run. */
  digest = 0;

  constructor(readonly partitions: number) {
    const list = Array.from({ length: partitions });
    this.#partitions = list.map(() => ({ end: 0, done: new Set(), doneUntil: 0, committed: -1 }));
    this.#holdings = list.map(() => new Map());
  }

  note(what: string): void {
    if (process.env.TRACE_SIMULATION) console.log(what);
    for (let i = 0; i < what.length; i++) this.digest = (Math.imul(this.digest, 31) + what.charCodeAt(i)) | 0;
  }

  #violate(what: string): void {
    if (this.violations.length < 20) this.violations.push(what);
  }

  stored(partition: number, records: number): void {
    this.#partitions[partition]!.end += records;
  }

  /** A record's effect has happened. */
  effect(member: string, partition: number, offset: number): void {
    const facts = this.#partitions[partition]!;
    this.effects++;
    this.note(`${member}:${partition}:${offset}`);
    if (facts.done.has(offset) || offset < facts.doneUntil) {
      this.repeats++;
      return;
    }
    facts.done.add(offset);
    while (facts.done.delete(facts.doneUntil)) facts.doneUntil++;
  }

  assigned(member: string, generation: number, partition: number, position: number, source: string): void {
    this.assignments++;
    this.note(`${member}@${generation}:${partition}=${position}`);
    const { committed } = this.#partitions[partition]!;
    const holdings = this.#holdings[partition]!;
    for (const other of holdings.values()) {
      if (other.member !== member && other.generation === generation) {
        this.#violate(`partition ${partition} belongs to ${other.member} and ${member} in generation ${generation}`);
      }
    }
    holdings.set(member, { member, generation });
    if (source === 'committed' && position !== committed && generation === this.#stableGeneration) {
      this.#violate(`partition ${partition} begins at ${position} for ${member}, committed was ${committed}`);
    }
    if (source === 'reset' && committed > 0) {
      this.#violate(`partition ${partition} begins anew at ${position} for ${member}, committed was ${committed}`);
    }
  }

  released(member: string, partition: number): void {
    this.note(`${member} without ${partition}`);
    this.#holdings[partition]!.delete(member);
  }

  /** Sees every request that the broker answered. */
  observe(request: Buffer, answer: Buffer, isLate: boolean): void {
    const apiKey = request.readInt16BE(0);
    if (apiKey !== OffsetCommit.key && apiKey !== SyncGroup.key) return;
    const api = apisByKey.get(apiKey)!;
    const { apiVersion, reader } = decodeRequestHeader(request, flexibleFromOf);
    const asked = api.request.decode(reader, apiVersion) as any;
    const payload = answer.subarray(4);
    const said = decodeResponsePayload(api, apiVersion, payload) as any;
    if (apiKey === SyncGroup.key) {
      if (said.errorCode === 0) this.#stableGeneration = Math.max(this.#stableGeneration, asked.generationId);
      return;
    }
    this.#committed(asked, said, isLate);
  }

  #committed(asked: any, said: any, isLate: boolean): void {
    for (const [t, { partitions }] of asked.topics.entries()) {
      for (const [p, { partitionIndex, committedOffset }] of partitions.entries()) {
        if (said.topics[t].partitions[p].errorCode !== 0) continue;
        const facts = this.#partitions[partitionIndex]!;
        const generation = asked.generationIdOrMemberEpoch as number;
        const what = `commit of ${committedOffset} for partition ${partitionIndex} by ${asked.memberId} in generation ${generation}`;
        this.commits++;
        this.note(`commit ${partitionIndex}:${committedOffset} in ${generation}`);
        if (committedOffset > facts.doneUntil) this.#violate(`${what} passes ${facts.doneUntil}, which is not done`);
        if (generation < this.#stableGeneration) this.#violate(`${what} was taken in ${this.#stableGeneration}`);
        // A commit that was given up and sent again may arrive behind later ones: they carry no order.
        if (committedOffset < facts.committed && !isLate) this.#violate(`${what} goes back from ${facts.committed}`);
        facts.committed = committedOffset;
      }
    }
  }

  /** Records that nobody has worked on. */
  missing(): string[] {
    return this.#partitions.flatMap(({ doneUntil, end }, partition) =>
      doneUntil < end ? [`partition ${partition}: ${doneUntil} of ${end}`] : [],
    );
  }
}
