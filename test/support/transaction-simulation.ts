import assert from 'node:assert/strict';
import {
  ClientVersion,
  type TransactionMetadata,
} from '../../src/broker/coordinator/transaction/transaction-metadata.js';
import { isIdle, isPrepared } from '../../src/broker/coordinator/transaction/transaction-state.js';
import { decodeTransactionRecord } from '../../src/broker/coordinator/transaction-records.js';
import { type Random } from '../../src/common/random.js';
import { recordsOf } from '../../src/protocol/record-batch.js';
import { type Life } from './memory-coordinator-log.js';
import { type Identity, PARTITIONS, type TransactionBench } from './transaction-bench.js';

// Producers that do as they please, also two with one id, while the process is killed at any append. What is checked
// is what transactions promise, not how they are made.

/** The first two share an id. */
export const IDS = ['shared', 'shared', 'alone'] as const;

/** What a producer does between two ends. */
interface Unit {
  readonly values: string[];
  offset: number | undefined;
  /** How it asked for an end; until it hears what came of it, it asks for the same and does nothing else. */
  asked: 'commit' | 'abort' | undefined;
  committed: boolean;
}

interface Actor {
  readonly name: string;
  readonly transactionalId: string;
  identity: Identity | undefined;
  unit: Unit;
  /** Next sequence of each partition in this epoch. */
  sequences: number[];
}

const newUnit = (): Unit => ({ values: [], offset: undefined, asked: undefined, committed: false });

/** What happens next: a producer does something, time passes, or the process will be killed. */
export type Step =
  | { readonly op: 'init'; readonly actor: number; readonly asBefore: boolean }
  | {
      readonly op: 'write';
      readonly actor: number;
      readonly partition: number;
      readonly adds: boolean;
      readonly version: ClientVersion;
    }
  | { readonly op: 'offsets'; readonly actor: number; readonly version: ClientVersion }
  | { readonly op: 'end'; readonly actor: number; readonly commits: boolean; readonly version: ClientVersion }
  | { readonly op: 'wait'; readonly ms: number }
  | { readonly op: 'kill'; readonly after: number };

export const WAITS_MS = [1, 1_000, 70_000] as const;

/** The next step by chance, as often of each kind as the kinds matter. */
export function randomStep(random: Random): Step {
  const below = (limit: number): number => Math.floor(random.next() * limit);
  const actor = below(IDS.length);
  const version = random.next() < 0.5 ? ClientVersion.V0 : ClientVersion.V2;
  const dice = below(26);
  if (dice < 3) return { op: 'init', actor, asBefore: random.next() < 0.5 };
  if (dice < 11) return { op: 'write', actor, partition: below(PARTITIONS), adds: below(5) > 0, version };
  if (dice < 14) return { op: 'offsets', actor, version };
  if (dice < 20) return { op: 'end', actor, commits: random.next() < 0.5, version };
  if (dice < 22) return { op: 'wait', ms: WAITS_MS[below(WAITS_MS.length)]! };
  return { op: 'kill', after: below(10) };
}

export class TransactionSimulation {
  readonly actors: Actor[] = IDS.map((transactionalId, i) => ({
    name: `p${i}`,
    transactionalId,
    identity: undefined,
    unit: newUnit(),
    sequences: [],
  }));
  readonly units: Array<{ readonly actor: Actor; readonly unit: Unit }> = [];
  kills = 0;
  /** The states that the log holds, and how many batches of each partition are in them. */
  readonly #stored = new Map<string, unknown>();
  readonly #read: number[] = [];
  #life: Life | undefined;
  #count = 0;

  constructor(readonly bench: TransactionBench) {}

  async step(step: Step): Promise<void> {
    await this.#do(step);
    if (this.#isDead) await this.#restart();
    this.#logTellsTheSame();
  }

  get #isDead(): boolean {
    return this.#life !== undefined && this.#life.appends < 0;
  }

  async #restart(): Promise<void> {
    if (this.#isDead) this.kills++;
    this.#life = undefined;
    await this.bench.restart();
    for (const [id, { state }] of this.bench.coordinator.list().transactions) {
      assert(!isPrepared(state), `${id} is left in ${state}`);
    }
  }

  async #do(step: Step): Promise<void> {
    if (step.op === 'wait') await this.bench.clock.advance(step.ms);
    else if (step.op === 'kill') this.#life = this.bench.killAfter(step.after);
    else {
      const who = this.actors[step.actor]!;
      if (step.op === 'init') await this.#init(who, step.asBefore);
      else if (step.op === 'write') await this.#write(who, step);
      else if (step.op === 'offsets') await this.#commitOffset(who, step.version);
      else await this.#end(who, step.commits, step.version);
    }
  }

  async #init(who: Actor, asBefore: boolean): Promise<void> {
    const expected = asBefore ? who.identity : undefined;
    const answer = await this.bench.init({ expected }, who.transactionalId);
    if (this.#isDead || answer.errorCode === 51) return;
    this.#close(who);
    who.identity = answer.errorCode === 0 ? answer : undefined;
  }

  #close(who: Actor): Actor {
    this.units.push({ actor: who, unit: who.unit });
    who.unit = newUnit();
    who.sequences = [];
    return who;
  }

  async #write(who: Actor, step: { partition: number; adds: boolean; version: ClientVersion }): Promise<boolean> {
    const { identity, unit } = who;
    if (!identity || unit.asked) return false;
    const { partition } = step;
    if (step.adds && (await this.bench.add(identity, partition, step.version)) !== 0) return false;
    const { producerId, producerEpoch } = this.#stateOf(who) ?? {};
    const isCurrent = producerId === identity.producerId && producerEpoch === identity.producerEpoch;
    // As a leader does: the coordinator is asked unless the partition itself knows the transaction.
    const known = this.bench.partitions[partition]!.producer(identity.producerId);
    const isOpen = known?.epoch === identity.producerEpoch && known.currentTxnFirstOffset >= 0;
    if (!isOpen && this.bench.verify(identity, partition) !== 0) return false;
    const value = `${who.name}-${++this.#count}`;
    const code = this.bench.append(identity, value, who.sequences[partition] ?? 0, partition);
    if (code !== 0) return false;
    assert(isCurrent, `${value} was appended with the fenced epoch ${identity.producerEpoch}`);
    who.sequences[partition] = (who.sequences[partition] ?? 0) + 1;
    unit.values.push(value);
    return true;
  }

  #stateOf(who: Actor): TransactionMetadata | undefined {
    const found = this.bench.coordinator.describe(who.transactionalId);
    return typeof found === 'object' ? found : undefined;
  }

  async #commitOffset(who: Actor, clientVersion: ClientVersion): Promise<void> {
    // A value goes with it, by which it can be told later what came of the transaction.
    if (!(await this.#write(who, { partition: 0, adds: true, version: clientVersion }))) return;
    const identity = who.identity!;
    const place = this.bench.offsetsOf(who.name);
    if ((await this.bench.coordinator.addPartitions(identity, [place], clientVersion)) !== 0) return;
    if (this.bench.coordinator.verify(identity, place) !== 0) return;
    const offset = ++this.#count;
    if ((await this.bench.commitOffset(identity, who.name, offset)) === 0) who.unit.offset = offset;
  }

  async #end(who: Actor, commits: boolean, clientVersion: ClientVersion): Promise<void> {
    const { identity, unit } = who;
    if (!identity) return;
    unit.asked ??= commits ? 'commit' : 'abort';
    const answer = await this.bench.end(identity, unit.asked === 'commit', clientVersion);
    if (this.#isDead || answer.errorCode === 51) return; // not answered, or not yet
    if (answer.errorCode !== 0) {
      // A client of the first version that has nothing to end is told so, and goes on.
      if (answer.errorCode === 48 && unit.values.length === 0) unit.asked = undefined;
      else this.#close(who).identity = undefined;
      return;
    }
    unit.committed = unit.asked === 'commit';
    const isSame = answer.producerId === identity.producerId && answer.producerEpoch === identity.producerEpoch;
    const { sequences } = who;
    this.#close(who).identity = { ...identity, producerId: answer.producerId, producerEpoch: answer.producerEpoch };
    if (isSame) who.sequences = sequences;
  }

  /** What a process that starts now would find is what this one has; but for what is never stored. */
  #logTellsTheSame(): void {
    for (const [partition, batches] of this.bench.log.batches.entries()) {
      for (const batch of batches.slice(this.#read[partition])) this.#take(batch);
      this.#read[partition] = batches.length;
    }
    const live = this.bench.coordinator.list().transactions;
    assert.deepEqual(new Map(live.map(([id, metadata]) => [id, shown(metadata)])), this.#stored);
  }

  #take(batch: Buffer): void {
    for (const { key, value } of recordsOf(batch)) {
      const record = decodeTransactionRecord(key!, value)!;
      if (record.value) this.#stored.set(record.transactionalId, shown(record.value));
      else this.#stored.delete(record.transactionalId);
    }
  }

  /** Nobody does anything any more: all transactions end, and each is whole or nothing. */
  async end(): Promise<void> {
    if (this.#life) await this.#restart();
    for (const who of this.actors) this.#close(who);
    await this.bench.clock.advance(100_000);
    for (const [id, { state }] of this.bench.coordinator.list().transactions) assert(isIdle(state), `${id}: ${state}`);
    for (const partition of this.bench.partitions) assert.equal(partition.lastStableOffset, partition.end);
    const visible = new Set(this.bench.partitions.flatMap((partition) => partition.committed()));
    for (const { actor: who, unit } of this.units) this.#isWhole(who, unit, visible);
    for (const who of this.actors) this.#offsetsAreRight(who, visible);
  }

  #isWhole({ name }: Actor, unit: Unit, visible: ReadonlySet<string>): void {
    const seen = unit.values.filter((value) => visible.has(value)).length;
    const all = unit.values.join(' ');
    assert([0, unit.values.length].includes(seen), `${name}: ${seen} of ${all}`);
    if (unit.committed) assert.equal(seen, unit.values.length, `${name}: lost ${all}`);
    if (unit.asked !== 'commit') assert.equal(seen, 0, `${name}: never committed ${all}`);
  }

  #offsetsAreRight(who: Actor, visible: ReadonlySet<string>): void {
    let expected = -1;
    for (const { actor: owner, unit } of this.units) {
      const counts = owner === who && unit.offset !== undefined && visible.has(unit.values[0]!);
      if (counts) expected = unit.offset!;
    }
    assert.equal(this.bench.committedOffset(who.name, true), expected, `offset of ${who.name}`);
  }
}

function shown({ partitions, ...rest }: TransactionMetadata) {
  return {
    ...rest,
    lastProducerEpoch: 'not stored',
    partitions: [...partitions].map(({ topic, partition }) => `${topic}-${partition}`).sort(),
  };
}
