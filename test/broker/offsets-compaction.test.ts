import { describe, expect, it } from '@jest/globals';
import { MemoryFileSystem } from '../../src/broker/log/disk/memory-file-system.js';
import { OffsetCommit, OffsetFetch } from '../../src/protocol/messages/index.js';
import { BrokerFixture } from '../support/broker-fixture.js';
import { ManualClock } from '../support/manual-clock.js';

// The offsets topic is compacted like any other: a group that commits for ever does not fill the disk.

const PARTITIONS = 100;
const indexes = Array.from({ length: PARTITIONS }, (_, i) => i);

describe('__consumer_offsets', () => {
  it('shrinks to the last offsets, which are there after a restart', async () => {
    const clock = new ManualClock();
    const fileSystem = new MemoryFileSystem({ clock });
    const config = { 'offsets.topic.num.partitions': '1', 'offsets.topic.segment.bytes': '1048576' };
    const start = () => BrokerFixture.start({ fileSystem, clock, bootId: 'boot', config });
    const size = (): number => {
      const directory = '/nestdaw/__consumer_offsets-0';
      const names = fileSystem.list(directory).filter((name) => name.endsWith('.log'));
      return names.reduce((sum, name) => sum + fileSystem.readFile(`${directory}/${name}`).length, 0);
    };
    const first = await start();
    await first.createTopic('t', PARTITIONS);
    const commit = (round: number) =>
      first.client.send(OffsetCommit, 8, {
        groupId: 'g',
        generationIdOrMemberEpoch: -1,
        memberId: '',
        topics: [
          {
            name: 't',
            partitions: indexes.map((partitionIndex) => ({
              partitionIndex,
              committedOffset: round,
              committedMetadata: 'some metadata of the client',
            })),
          },
        ],
      });
    for (let round = 1; round <= 400; round++) {
      const { topics } = await commit(round);
      expect(topics[0]!.partitions.every(({ errorCode }) => errorCode === 0)).toBe(true);
    }
    const before = size();
    expect(before).toBeGreaterThan(2_500_000);
    await clock.advance(20_000);
    expect(size()).toBeLessThan(1_100_000); // the active segment and the last of each key
    await first.stop();
    const second = await start();
    const topics = [{ name: 't', partitionIndexes: indexes }];
    const answer = await second.client.send(OffsetFetch, 7, { groupId: 'g', topics });
    expect(answer.topics[0]!.partitions.map(({ committedOffset }) => committedOffset)).toEqual(indexes.map(() => 400));
    await second.stop();
  });
});
