import { CreateTopics, DeleteTopics, Metadata } from '../../src/protocol/messages/index.js';
import { type RawClient } from '../../test/support/raw-client.js';
import { PartitionLedger } from './ledger.js';

// The topics that are written to: small segments, and a flush before every answer for some. They are made anew from
// time to time, so that reading all of them stays quick.

const SMALL_SEGMENTS = { 'index.interval.bytes': '512', 'segment.index.bytes': '480', 'file.delete.delay.ms': '100' };
const FORMS = [
  { name: 'plain', partitions: 4, config: SMALL_SEGMENTS },
  { name: 'flushed', partitions: 2, config: { ...SMALL_SEGMENTS, 'flush.messages': '1' } },
  { name: 'large', partitions: 2, config: { 'flush.messages': '100', 'segment.bytes': '1048576' } },
];

/** A topic that stays, for offsets to be committed for. */
export const COMMITTED_TOPIC = 'committed';
const COMMITTED_PARTITIONS = 3;

export class TopicSet {
  #generation = 0;
  #ledgers: PartitionLedger[] = [];

  constructor(readonly problems: string[]) {}

  get ledgers(): readonly PartitionLedger[] {
    return this.#ledgers;
  }

  /** Ledgers of the topics that a writer of this number writes to. */
  of(writer: number): PartitionLedger[] {
    const only = writer % (FORMS.length + 1);
    return this.#ledgers.filter(({ topic }) => only === FORMS.length || topic.startsWith(FORMS[only]!.name));
  }

  /** Deletes what is there and makes new topics; returns the ledgers that are gone. */
  async renew(client: RawClient): Promise<ReadonlySet<PartitionLedger>> {
    const gone = new Set(this.#ledgers);
    const names = [...new Set(this.#ledgers.map(({ topic }) => topic))];
    if (names.length > 0) await client.send(DeleteTopics, 5, { topicNames: names, timeoutMs: 30_000 });
    this.#generation++;
    const topics = FORMS.map(({ name, partitions, config }) => ({
      name: `${name}-${this.#generation}`,
      numPartitions: partitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(config).map(([key, value]) => ({ name: key, value })),
    }));
    const first = { name: COMMITTED_TOPIC, numPartitions: COMMITTED_PARTITIONS, replicationFactor: 1 };
    if (this.#generation === 1) topics.push({ ...first, assignments: [], configs: [] });
    const answer = await client.send(CreateTopics, 5, { topics, validateOnly: false });
    for (const { name, errorCode, errorMessage } of answer.topics) {
      if (errorCode !== 0) this.problems.push(`topic ${name}: error ${errorCode} ${errorMessage}`);
    }
    const written = topics.filter(({ name }) => name !== COMMITTED_TOPIC);
    this.#ledgers = written.flatMap(({ name, numPartitions }) =>
      Array.from({ length: numPartitions }, (_, partition) => new PartitionLedger(name, partition)),
    );
    return gone;
  }

  /** The topics that were made are there, those that were deleted are not. */
  async check(client: RawClient): Promise<void> {
    const { topics } = await client.send(Metadata, 8, { topics: null });
    const found = topics
      .filter(({ isInternal }) => !isInternal)
      .map(({ name, partitions }) => `${name}×${partitions.length}`);
    const expected = FORMS.map(({ name, partitions }) => `${name}-${this.#generation}×${partitions}`);
    expected.push(`${COMMITTED_TOPIC}×${COMMITTED_PARTITIONS}`);
    const isSame = found.sort().join() === expected.sort().join();
    if (!isSame && this.#generation > 0)
      this.problems.push(`topics are ${found.join()} where ${expected.join()} should be`);
  }
}
