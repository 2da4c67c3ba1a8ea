import { type Random } from '../../src/common/random.js';
import { Produce } from '../../src/protocol/messages/index.js';
import { setBaseOffset } from '../../src/protocol/record-batch-header.js';
import { type RawClient } from '../../test/support/raw-client.js';
import { type PartitionLedger } from './ledger.js';
import { fetchFrom, LATEST, offsetAt, type ScannedBatch, scanPartition } from './partition-scan.js';

// What must be true of a partition after a restart, whatever happened before.

const LOOKUPS = 6;

export class Inspection {
  readonly problems: string[] = [];
  records = 0;
  lookups = 0;
  retries = 0;

  constructor(
    readonly client: RawClient,
    readonly random: Random,
  ) {}

  async partition(ledger: PartitionLedger): Promise<number> {
    const before = this.problems.length;
    const batches = await scanPartition(this.client, ledger, this.problems);
    this.#compare(ledger, batches);
    for (const { count } of batches) this.records += count;
    if (batches.length > 0) {
      for (let i = 0; i < LOOKUPS; i++) await this.#lookUpOffset(ledger, batches);
      for (let i = 0; i < LOOKUPS; i++) await this.#lookUpTime(ledger, batches);
      if (this.problems.length === before) await this.#repeatLastBatches(ledger, batches);
    }
    return batches.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Everything acknowledged is there, at its offset; nothing is there twice, and nothing that was not sent. */
  #compare(ledger: PartitionLedger, batches: readonly ScannedBatch[]): void {
    const byBase = new Map(batches.map((batch) => [batch.base, batch]));
    for (const { baseOffset, writer, first, count } of ledger.acks) {
      const found = byBase.get(baseOffset!);
      if (found?.writer === writer && found.first === first && found.count === count) continue;
      this.problems.push(
        `${ledger.name}: acknowledged at ${baseOffset} and lost: ${count} records of writer ${writer}`,
      );
      if (this.problems.length > 20) return;
    }
    const seen = new Set<string>();
    const lastOf = new Map<number, number>();
    for (const { writer, first, count, base } of batches) {
      const sent = ledger.find(writer, first);
      if (sent?.count !== count) this.problems.push(`${ledger.name} at ${base}: a batch that nobody sent`);
      const key = `${writer}/${first}`;
      if (seen.has(key)) this.problems.push(`${ledger.name} at ${base}: records ${key} are there twice`);
      seen.add(key);
      if (sent?.isIdempotent && first < (lastOf.get(writer) ?? -1)) {
        this.problems.push(`${ledger.name} at ${base}: records ${key} came after later ones of their producer`);
      }
      lastOf.set(writer, first);
    }
  }

  /** A fetch anywhere begins with the batch that a walk over the whole log finds there. */
  async #lookUpOffset(ledger: PartitionLedger, batches: readonly ScannedBatch[]): Promise<void> {
    const end = batches.at(-1)!.next;
    const offset = Math.floor(this.random.next() * end);
    const expected = batches.find(({ next }) => next > offset)!;
    const { errorCode, records } = await fetchFrom(this.client, ledger, offset, 1);
    this.lookups++;
    if (errorCode === 0 && records.equals(expected.bytes)) return;
    this.problems.push(`${ledger.name}: fetch at ${offset} gave error ${errorCode} or another batch`);
  }

  /** A time leads to the first record that is not older. */
  async #lookUpTime(ledger: PartitionLedger, batches: readonly ScannedBatch[]): Promise<void> {
    const pick = batches[Math.floor(this.random.next() * batches.length)]!;
    const wanted = pick.timestamps[0]! + Math.floor(this.random.next() * 40) - 20;
    let expected = -1;
    for (const { base, timestamps } of batches) {
      const at = timestamps.findIndex((timestamp) => timestamp >= wanted);
      if (at < 0) continue;
      expected = base + at;
      break;
    }
    const { errorCode, offset } = await offsetAt(this.client, ledger, wanted);
    this.lookups++;
    if (errorCode === 0 && offset === expected) return;
    this.problems.push(`${ledger.name}: time ${wanted} gave offset ${offset} (error ${errorCode}), not ${expected}`);
  }

  /** The last batch of each producer, sent once more, gets the answer of the first time and is not stored again. */
  async #repeatLastBatches(ledger: PartitionLedger, batches: readonly ScannedBatch[]): Promise<void> {
    const lastOnes = new Map<bigint, ScannedBatch>();
    for (const batch of batches) if (batch.producerId >= 0n) lastOnes.set(batch.producerId, batch);
    for (const { bytes, base } of lastOnes.values()) {
      const copy = Buffer.from(bytes);
      setBaseOffset(copy, 0, 0);
      const { topic, partition } = ledger;
      const topicData = [{ name: topic, partitionData: [{ index: partition, records: copy }] }];
      const answer = await this.client.send(Produce, 8, { acks: -1, timeoutMs: 30_000, topicData });
      const { errorCode, baseOffset } = answer.responses[0]!.partitionResponses[0]!;
      this.retries++;
      if (errorCode === 0 && baseOffset === base) continue;
      this.problems.push(`${ledger.name}: a retry of ${base} was answered with ${baseOffset}, error ${errorCode}`);
    }
    const { offset } = await offsetAt(this.client, ledger, LATEST);
    if (offset !== batches.at(-1)!.next) this.problems.push(`${ledger.name}: retries were stored again`);
  }
}
