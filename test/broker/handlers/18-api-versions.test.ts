import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiVersions, DescribeLogDirs, InitProducerId } from '../../../src/protocol/messages/index.js';
import { BrokerFixture } from '../../support/broker-fixture.js';

let fixture: BrokerFixture;
beforeEach(async () => {
  fixture = await BrokerFixture.start();
});
afterEach(() => fixture.stop());

const software = { clientSoftwareName: 'raw', clientSoftwareVersion: '1.0' };

describe('ApiVersions', () => {
  it('advertises what is served, by key', async () => {
    const { errorCode, apiKeys } = await fixture.client.send(ApiVersions, 3, software);
    expect(errorCode).toBe(0);
    const keys = apiKeys.map(({ apiKey }) => apiKey);
    expect(keys).toEqual([
      0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 32, 33, 34, 35, 37, 42,
      43, 44, 45, 46, 47, 55, 57, 60, 61, 64, 65, 66, 74, 75,
    ]);
  });

  // librdkafka up to 2.11.0 turns features off, without a word, when these versions are not in the range.
  it.each([
    [0, [0, 3, 7]],
    [1, [4, 10]],
    [2, [1]],
    [8, [2]],
    [9, [1]],
    [10, [0]],
    [11, [0]],
    [12, [0]],
    [13, [0]],
    [14, [0]],
    [18, [0]],
    [22, [0]],
  ])('API %d contains the versions %j', async (key, versions) => {
    const { apiKeys } = await fixture.client.send(ApiVersions, 0, software);
    const { minVersion, maxVersion } = apiKeys.find(({ apiKey }) => apiKey === key)!;
    for (const version of versions) expect(version >= minVersion && version <= maxVersion).toBe(true);
  });

  it('finalizes what is there and nothing else; old clients are spared a level of 0', async () => {
    const answer = await fixture.client.send(ApiVersions, 4, software);
    const finalized = [
      { name: 'metadata.version', minVersionLevel: 25, maxVersionLevel: 25 },
      { name: 'transaction.version', minVersionLevel: 2, maxVersionLevel: 2 },
    ];
    expect(answer.finalizedFeatures).toEqual(finalized);
    expect(answer.supportedFeatures).toContainEqual({ name: 'transaction.version', minVersion: 0, maxVersion: 2 });
    const old = await fixture.client.send(ApiVersions, 3, software);
    expect(old.finalizedFeatures).toEqual(finalized);
    expect(old.supportedFeatures.map(({ name }) => name)).toEqual(['metadata.version']);
  });

  it('refuses a client that names itself badly', async () => {
    const bad = { clientSoftwareName: '-', clientSoftwareVersion: '1' };
    expect((await fixture.client.send(ApiVersions, 3, bad)).errorCode).toBe(42);
  });
});

describe('InitProducerId', () => {
  it('gives every producer an id of its own', async () => {
    const ids = await Promise.all(
      Array.from({ length: 5 }, () =>
        fixture.client.send(InitProducerId, 1, { transactionalId: null, transactionTimeoutMs: 1 }),
      ),
    );
    expect(ids.map(({ producerId, producerEpoch }) => [producerId, producerEpoch])).toEqual(
      [0n, 1n, 2n, 3n, 4n].map((id) => [id, 0]),
    );
  });

  it('goes on in the next block', async () => {
    let last = 0n;
    for (let i = 0; i <= 1000; i++) {
      last = (await fixture.client.send(InitProducerId, 1, { transactionalId: null, transactionTimeoutMs: 1 }))
        .producerId;
    }
    expect(last).toBe(1000n);
  });
});

describe('DescribeLogDirs', () => {
  it('tells the bytes of each partition', async () => {
    await fixture.createTopic('orders', 2);
    await fixture.appendValues('orders', ['a'], { partition: 1 });
    const { errorCode, results } = await fixture.client.send(DescribeLogDirs, 4, { topics: null });
    expect([errorCode, results.length]).toEqual([0, 1]);
    const { topics, totalBytes, usableBytes } = results[0]!;
    expect(topics.map(({ name, partitions }) => [name, partitions.map((p) => p.partitionSize > 0)])).toEqual([
      ['orders', [false, true]],
    ]);
    expect(totalBytes).toBeGreaterThan(usableBytes);
    const one = await fixture.client.send(DescribeLogDirs, 1, { topics: [{ topic: 'orders', partitions: [1] }] });
    expect(one.results[0]!.topics[0]!.partitions.map((p) => p.partitionIndex)).toEqual([1]);
  });
});
