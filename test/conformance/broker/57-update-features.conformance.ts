import { describe, expect, it } from '@jest/globals';
import { ApiVersions, UpdateFeatures } from '../../../src/protocol/messages/index.js';
import { conformance } from './harness/world.js';

const world = conformance();

const SAFE_DOWNGRADE = 2;
const UNSAFE_DOWNGRADE = 3;

async function level(): Promise<number> {
  const request = { clientSoftwareName: 'test', clientSoftwareVersion: '1' };
  const { finalizedFeatures } = await world.send(ApiVersions, 4, request);
  return finalizedFeatures.find(({ name }) => name === 'metadata.version')!.maxVersionLevel;
}

function update(feature: string, maxVersionLevel: number, more: { upgradeType?: number; version?: number } = {}) {
  const { upgradeType = 1, version = 1 } = more;
  const featureUpdates = [{ feature, maxVersionLevel, ...(version > 0 && { upgradeType }) }];
  return world.send(UpdateFeatures, version, { timeoutMs: 10_000, featureUpdates });
}

describe('UpdateFeatures', () => {
  it.each([0, 1, 2])('v%i takes the level that is in force', async (version) => {
    const before = await level();
    expect((await update('metadata.version', before, { version })).errorCode).toBe(0);
    expect(await level()).toBe(before);
  });

  it.each<[string, string, number, number]>([
    ['a feature that nobody knows', 'time.travel', 1, 1],
    ['a level above all', 'metadata.version', 99, 1],
    ['a level below 0', 'metadata.version', -1, 1],
    ['a step back that is not named one', 'metadata.version', 7, 1],
    ['the end of metadata.version', 'metadata.version', 0, UNSAFE_DOWNGRADE],
    ['a safe step to before all levels', 'metadata.version', 1, SAFE_DOWNGRADE],
  ])('refuses %s', async (_, feature, to, upgradeType) => {
    const before = await level();
    expect((await update(feature, to, { upgradeType })).errorCode).toBe(95);
    expect(await level()).toBe(before);
  });

  it('does all of a request or nothing', async () => {
    const before = await level();
    const featureUpdates = [
      { feature: 'metadata.version', maxVersionLevel: before },
      { feature: 'time.travel', maxVersionLevel: 1 },
    ];
    expect((await world.send(UpdateFeatures, 2, { timeoutMs: 10_000, featureUpdates })).errorCode).toBe(95);
    expect(await level()).toBe(before);
  });
});
