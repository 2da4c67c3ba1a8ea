import { describe, expect, it } from '@jest/globals';
import { ApiVersions, Metadata } from '../../../src/protocol/messages/index.js';
import { eventually } from './harness/eventually.js';
import { conformance } from './harness/world.js';

const world = conformance();

/** What Apache Kafka 4.3 advertises on a listener for clients. */
const KAFKA: Readonly<Record<number, readonly [number, number]>> = {
  0: [0, 13],
  1: [4, 18],
  2: [1, 11],
  3: [0, 13],
  8: [2, 10],
  9: [1, 10],
  10: [0, 6],
  11: [0, 9],
  12: [0, 4],
  13: [0, 5],
  14: [0, 5],
  15: [0, 6],
  16: [0, 5],
  17: [0, 1],
  18: [0, 4],
  19: [2, 7],
  20: [1, 6],
  21: [0, 2],
  22: [0, 6],
  23: [2, 4],
  24: [0, 5],
  25: [0, 4],
  26: [0, 5],
  27: [1, 2],
  28: [0, 5],
  29: [1, 3],
  30: [1, 3],
  31: [1, 3],
  32: [1, 4],
  33: [0, 2],
  34: [1, 2],
  35: [1, 5],
  36: [0, 2],
  37: [0, 3],
  38: [1, 3],
  39: [1, 2],
  40: [1, 2],
  41: [1, 3],
  42: [0, 2],
  43: [0, 2],
  44: [0, 1],
  45: [0, 1],
  46: [0, 0],
  47: [0, 0],
  48: [0, 1],
  49: [0, 1],
  50: [0, 0],
  51: [0, 0],
  55: [0, 2],
  57: [0, 2],
  60: [0, 2],
  61: [0, 0],
  64: [0, 0],
  65: [0, 0],
  66: [0, 2],
  68: [0, 1],
  69: [0, 1],
  71: [0, 0],
  72: [0, 0],
  74: [0, 1],
  75: [0, 0],
  76: [1, 1],
  77: [1, 1],
  78: [1, 2],
  79: [1, 2],
  80: [0, 1],
  81: [0, 0],
  83: [0, 0],
  84: [0, 0],
  85: [0, 1],
  86: [0, 0],
  87: [0, 1],
  88: [0, 0],
  89: [0, 0],
  90: [0, 1],
  91: [0, 0],
  92: [0, 0],
};
/** Single versions that librdkafka up to 2.11.0 asks for before it uses a feature. */
const NEEDED: readonly [number, readonly number[]][] = [
  [0, [0, 3, 7]],
  [1, [4, 10]],
  [2, [1]],
  [8, [2]],
  [9, [1]],
  [10, [0]],
  [11, [0]],
  [14, [0]],
  [12, [0]],
  [13, [0]],
  [22, [0]],
  [18, [0]],
];
const software = { clientSoftwareName: 'conformance', clientSoftwareVersion: '1.0' };

describe('ApiVersions', () => {
  it.each([0, 1, 2, 3, 4])('v%i lists every API once, in ranges that Apache Kafka has too', async (version) => {
    const answer = await world.send(ApiVersions, version, software);
    expect(answer.errorCode).toBe(0);
    const keys = answer.apiKeys.map(({ apiKey }) => apiKey);
    expect(new Set(keys).size).toBe(keys.length);
    for (const { apiKey, minVersion, maxVersion } of answer.apiKeys) {
      const known = KAFKA[apiKey];
      expect([apiKey, known !== undefined]).toEqual([apiKey, true]);
      expect([apiKey, minVersion]).toEqual([apiKey, known![0]]);
      expect([apiKey, maxVersion <= known![1] && maxVersion >= minVersion]).toEqual([apiKey, true]);
    }
  });

  it.each(NEEDED)('has the versions of API %i that older clients look for', async (key, versions) => {
    const { apiKeys } = await world.send(ApiVersions, 0, {});
    const range = apiKeys.find(({ apiKey }) => apiKey === key)!;
    for (const version of versions) {
      expect(range.minVersion <= version && version <= range.maxVersion).toBe(true);
    }
  });

  it('never lists what is for brokers or controllers', async () => {
    const { apiKeys } = await world.send(ApiVersions, 4, software);
    const internal = [4, 5, 6, 7, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 82];
    expect(apiKeys.map(({ apiKey }) => apiKey).filter((key) => internal.includes(key))).toEqual([]);
  });

  it('answers the same on every connection', async () => {
    const other = await world.connect();
    const [mine, theirs] = await Promise.all([
      world.send(ApiVersions, 3, software),
      other.send(ApiVersions, 3, software),
    ]);
    expect(theirs.apiKeys).toEqual(mine.apiKeys);
  });

  it('may be asked again at any time', async () => {
    await world.send(Metadata, 9, { topics: [] });
    const first = await world.send(ApiVersions, 2, {});
    const second = await world.send(ApiVersions, 4, software);
    expect(second.apiKeys).toEqual(first.apiKeys);
  });

  it.each([
    ['an empty name', '', '1'],
    ['an empty version', 'lib', ''],
    ['a name with a space', 'my lib', '1'],
    ['a name that ends with a dash', 'lib-', '1'],
    ['a name that begins with a dot', '.lib', '1'],
    ['a version with a plus', 'lib', '1+2'],
    ['a name in Czech', 'kavkář', '1'],
  ])('refuses %s, and the connection goes on', async (_, clientSoftwareName, clientSoftwareVersion) => {
    const answer = await world.send(ApiVersions, 3, { clientSoftwareName, clientSoftwareVersion });
    expect(answer.errorCode).toBe(42);
    expect((await world.send(ApiVersions, 3, software)).errorCode).toBe(0);
  });

  it.each([
    ['one letter', 'x', 'y'],
    ['dots and dashes inside', 'a-b.c', '1.2-rc.3'],
  ])('takes a name of %s', async (_, clientSoftwareName, clientSoftwareVersion) => {
    expect((await world.send(ApiVersions, 4, { clientSoftwareName, clientSoftwareVersion })).errorCode).toBe(0);
  });

  it.each([5, 99, 32767])('answers v%i in the layout of v0 and stays open', async (version) => {
    const client = await world.connect();
    const request = Buffer.alloc(4 + 10 + 1);
    request.writeInt32BE(11, 0);
    request.writeInt16BE(18, 4);
    request.writeInt16BE(version, 6);
    request.writeInt32BE(42, 8);
    request.writeInt16BE(-1, 12);
    client.socket.removeAllListeners('data');
    const answer = new Promise<Buffer>((resolve) => client.socket.once('data', resolve));
    client.socket.write(request);
    const bytes = await answer;
    expect([bytes.readInt32BE(0), bytes.readInt32BE(4), bytes.readInt16BE(8)]).toEqual([bytes.length - 4, 42, 35]);
    // The array names ApiVersions and its range, so that the client can ask again.
    const count = bytes.readInt32BE(10);
    const listed = Array.from({ length: count }, (_, i) => [0, 2, 4].map((at) => bytes.readInt16BE(14 + i * 6 + at)));
    expect(listed).toContainEqual([18, 0, 4]);
    expect(bytes.length).toBe(14 + count * 6);
    const again = new Promise<Buffer>((resolve) => client.socket.once('data', resolve));
    request.writeInt16BE(0, 6);
    client.socket.write(request);
    expect((await again).readInt16BE(8)).toBe(0);
  });

  it('v3 and v4 say which features there are', async () => {
    const answer = await world.send(ApiVersions, 4, software);
    const supported = answer.supportedFeatures.find(({ name }) => name === 'metadata.version')!;
    const finalized = answer.finalizedFeatures.find(({ name }) => name === 'metadata.version')!;
    // Which level of metadata records a broker writes is its own affair; 25 is that of Kafka 4.0, 30 that of 4.3.
    expect(finalized.maxVersionLevel).toBeGreaterThanOrEqual(25);
    expect(finalized.maxVersionLevel).toBeLessThanOrEqual(30);
    expect(supported.minVersion).toBeLessThanOrEqual(25);
    expect(answer.finalizedFeaturesEpoch).toBeGreaterThan(0);
    expect(answer.zkMigrationReady).toBe(false);
  });

  it('tell by the epoch of the features that the metadata has changed', async () => {
    const epoch = async () => (await world.send(ApiVersions, 4, software)).finalizedFeaturesEpoch;
    const before = await epoch();
    await world.topic();
    await eventually(async () => {
      if ((await epoch()) <= before) throw new Error(`the epoch is ${before} still`);
    });
    expect(await epoch()).toBeGreaterThan(before);
  });

  it('v3 leaves out features that begin at 0, which older Java clients cannot read', async () => {
    const answer = await world.send(ApiVersions, 3, software);
    expect(answer.supportedFeatures.filter(({ minVersion }) => minVersion < 1)).toEqual([]);
    expect(answer.errorCode).toBe(0);
  });

  it('finalizes only what it supports, within the range', async () => {
    const { supportedFeatures, finalizedFeatures } = await world.send(ApiVersions, 4, software);
    expect(finalizedFeatures.map(({ name }) => name)).toContain('metadata.version');
    for (const { name, maxVersionLevel, minVersionLevel } of finalizedFeatures) {
      const range = supportedFeatures.find((feature) => feature.name === name)!;
      expect([name, maxVersionLevel <= range.maxVersion && minVersionLevel >= range.minVersion]).toEqual([name, true]);
      expect([name, maxVersionLevel > 0]).toEqual([name, true]);
    }
  });
});
