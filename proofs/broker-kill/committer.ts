import { OffsetCommit, OffsetFetch } from '../../src/protocol/messages/index.js';
import { type RawClient, SocketClient } from '../../test/support/raw-client.js';

// Commits ever larger offsets for several groups, and afterwards wants each to be as large as the last acknowledged.

const GROUPS = 4;
const PARTITIONS = 3;

interface Place {
  readonly groupId: string;
  readonly partition: number;
  sent: number;
  acknowledged: number;
}

export class Committer {
  readonly #places: Place[] = [];
  commits = 0;

  /** Offsets of a topic; it need not exist any longer. */
  constructor(
    readonly topic: string,
    readonly problems: string[],
  ) {
    for (let group = 0; group < GROUPS; group++) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        this.#places.push({ groupId: `group-${group}`, partition, sent: -1, acknowledged: -1 });
      }
    }
  }

  async run(port: number, signal: AbortSignal): Promise<void> {
    let client: SocketClient | undefined;
    try {
      client = await SocketClient.connect(port);
      await Promise.all(this.#groups().map((places) => this.#commit(client!, places, signal)));
    } catch {
      // The connection ended.
    } finally {
      client?.close();
    }
  }

  #groups(): Place[][] {
    return Array.from({ length: GROUPS }, (_, group) =>
      this.#places.slice(group * PARTITIONS, (group + 1) * PARTITIONS),
    );
  }

  async #commit(client: RawClient, places: readonly Place[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const place of places) place.sent++;
      const offsets = places.map(({ sent }) => sent);
      const { topics } = await client.send(OffsetCommit, 7, {
        groupId: places[0]!.groupId,
        memberId: '',
        topics: [
          {
            name: this.topic,
            partitions: places.map(({ partition, sent }) => ({
              partitionIndex: partition,
              committedOffset: sent,
              committedMetadata: `m${sent}`,
            })),
          },
        ],
      });
      for (const [i, { errorCode }] of topics[0]!.partitions.entries()) {
        if (errorCode === 0) places[i]!.acknowledged = offsets[i]!;
        else this.problems.push(`commit of ${places[i]!.groupId}: error ${errorCode}`);
      }
      this.commits++;
    }
  }

  async check(client: RawClient): Promise<void> {
    for (const places of this.#groups()) {
      const { groupId } = places[0]!;
      const answer = await client.send(OffsetFetch, 7, {
        groupId,
        topics: [{ name: this.topic, partitionIndexes: places.map(({ partition }) => partition) }],
      });
      for (const { partitionIndex, committedOffset, metadata } of answer.topics[0]?.partitions ?? []) {
        const { sent, acknowledged } = places[partitionIndex]!;
        const isSound = committedOffset < 0 || metadata === `m${committedOffset}`;
        if (committedOffset >= acknowledged && committedOffset <= sent && isSound) continue;
        this.problems.push(
          `${groupId} partition ${partitionIndex}: committed ${committedOffset} '${metadata}', acknowledged was ${acknowledged}`,
        );
      }
    }
  }
}
