import { readFileSync } from 'node:fs';

// The small faults that the conformance suite has to see, as changes of the built broker's text.

/** What goes wrong, in which file, which text of the build becomes which. */
export const FAULTS = [
  ['checksums are not looked at', 'log/append/append-validator', '!verifyCrc(batch)', 'false'],
  [
    'the largest batch is refused',
    'log/append/append-validator',
    'size > config.maxMessageBytes',
    'size >= config.maxMessageBytes',
  ],
  [
    'compacted topics take records without a key',
    'log/append/append-validator',
    'facts.keyless.length > 0',
    'facts.keyless.length > 9',
  ],
  ['a batch may hold fewer records than it says', 'log/append/record-check', 'if (next !== end)', 'if (next > end)'],
  ['retries are stored twice', 'log/producers/producer-state', 'if (duplicate)', 'if (false)'],
  [
    'only four batches are known again',
    'log/producers/producer-state',
    'REMEMBERED_BATCHES = 5',
    'REMEMBERED_BATCHES = 4',
  ],
  [
    'sequences wrap one too late',
    'log/producers/producer-state',
    '(sequence + by) % 0x8000_0000',
    '(sequence + by) % 0x8000_0001',
  ],
  [
    'old epochs may write',
    'log/producers/producer-state',
    "if (epoch < state.epoch)\n            return refused(ErrorCode.INVALID_PRODUCER_EPOCH, staleEpoch(batch, epoch, state));\n        if (origin === 'client')",
    "if (origin === 'client')",
  ],
  ['acks=0 is answered', 'handlers/00-produce', 'request.acks === ACKS_NONE)', 'request.acks === 99)'],
  ['reading at the end is out of range', 'log/log-reader', 'offset > logEndOffset', 'offset >= logEndOffset'],
  ['large batches get stuck', 'log/segment/log-segment', 'if (!minOneBatch)', 'if (true)'],
  ['a waiting fetch sleeps through deletions', 'fetch/fetch-purgatory', "change === 'closed'", "change === 'shut'"],
  [
    'min.bytes is taken for one',
    'fetch/fetch-purgatory',
    'if (total >= minBytes)\n                    wake()',
    'if (total >= 1)\n                    wake()',
  ],
  ['times are searched by batch', 'log/time-lookup', 'record.timestamp >= timestamp', 'true'],
  [
    'a deletion of records may go beyond the end',
    'log/stored-log',
    'target > this.highWatermark',
    'target > this.highWatermark + 1',
  ],
  ['newcomers join without an id', 'coordinator/group/group-join', 'request.requireKnownMemberId', 'false'],
  [
    'followers learn of all members',
    'coordinator/group/group-rebalance',
    'member.memberId === group.leaderId)',
    'true)',
  ],
  [
    'a heartbeat does not tell of a rebalance',
    'coordinator/group/classic-group',
    "this.#core.state === 'PreparingRebalance' ?",
    "this.#core.state === 'Rebalancing' ?",
  ],
  [
    'old generations may commit',
    'coordinator/group/classic-group',
    'generationId === this.#core.generationId ?',
    'generationId <= this.#core.generationId ?',
  ],
  [
    'a replaced static member goes on',
    'coordinator/group/group-roster',
    'if (current !== memberId)',
    'if (current === memberId && false)',
  ],
  [
    'the first strategy wins, whatever the votes',
    'coordinator/group/protocol-selection',
    'count > votes.get(winner)',
    'count > 99',
  ],
  ['offsets outlive their topic', 'coordinator/group/group-offsets', 'name === topic)', 'name === `${topic}!`)'],
  ['the leader epoch of a commit is lost', 'coordinator/group/group-offsets', 'committed?.leaderEpoch ?? -1', '-1'],
  ['validateOnly creates', 'handlers/19-create-topics', 'createTopic(wish, validateOnly)', 'createTopic(wish, false)'],
  [
    'AlterConfigs keeps what it does not name',
    'metadata/config-plans',
    '.filter((name) => !named.has(name))',
    '.filter(() => false)',
  ],
  [
    'the same number of partitions is an increase',
    'metadata/topic-plans',
    'if (count === current)',
    'if (count === -1)',
  ],
];

/** The file of a build that a fault lies in. */
export const fileOf = (build, [, module]) => `${build}/broker/${module}.js`;

/** That file's text with the fault in it. Throws when the text that it changes is not there exactly once. */
export function faulty(build, fault) {
  const [what, module, before, after] = fault;
  const parts = readFileSync(fileOf(build, fault), 'utf8').split(before);
  if (parts.length === 2) return parts.join(after);
  throw new Error(`'${what}': ${module} holds ${parts.length - 1} times: ${before}`);
}
