import { array, bool, i32, str } from '../../../../protocol/schema.js';
import { MessageCodec } from '../../../../protocol/schema-compiler.js';
import { WireReader } from '../../../../protocol/wire-reader.js';

// What our leader tells a member beside its partitions. It is stored with the assignment, so that a static member that
// comes back after a crash reads it as well: the group gives it the assignment of before, without a rebalance.

export interface LeaderNote {
  /** Topics that the group has read before: their new partitions are read from the beginning. */
  readonly grownTopics: ReadonlySet<string>;
  /** The member owned partitions that it is not given: they are nobody's until it joins again (KIP-429). */
  readonly givesUp: boolean;
  /** Some member must give partitions up: a second rebalance follows at once. */
  readonly handsOn: boolean;
  /** What the member wanted to read when this was assigned. */
  readonly topics: readonly string[];
  /**
   * In the leader's own note: partitions of every topic of the group when this was assigned, 0 where one was missing. A
   * leader that comes back is told to leave things as they are (KIP-814), and sees by it what has changed meanwhile.
   */
  readonly counts?: ReadonlyMap<string, number>;
}

const MAGIC = 0x4e645735;

const codec = new MessageCodec(
  'note of the leader',
  {
    magic: i32,
    grownTopics: array(str),
    givesUp: bool,
    handsOn: bool,
    topics: array(str),
    counts: array({ topic: str, partitions: i32 }).nullable(),
  },
  Number.POSITIVE_INFINITY,
);

export function encodeLeaderNote({ grownTopics, topics, counts, ...flags }: LeaderNote): Buffer {
  return codec.toBuffer(0, {
    magic: MAGIC,
    grownTopics: [...grownTopics].sort(),
    ...flags,
    topics: [...topics],
    counts: counts ? [...counts].map(([topic, partitions]) => ({ topic, partitions })) : null,
  });
}

/** Undefined when another client leads the group. */
export function leaderNoteIn(userData: Buffer | null): LeaderNote | undefined {
  if (userData === null || userData.length < 9 || userData.readInt32BE(0) !== MAGIC) return undefined;
  const { grownTopics, givesUp, handsOn, topics, counts } = codec.decode(new WireReader(userData), 0);
  return {
    grownTopics: new Set(grownTopics),
    givesUp,
    handsOn,
    topics,
    ...(counts && { counts: new Map(counts.map(({ topic, partitions }) => [topic, partitions])) }),
  };
}
