import { describe, expect, it } from '@jest/globals';
import { ConfigAdmin } from './harness/configs.js';
import { eventually } from './harness/eventually.js';
import { conformance } from './harness/world.js';

const world = conformance();
const admin = new ConfigAdmin(world);
describe('AlterConfigs', () => {
  it.each([0, 1, 2])('v%i replaces all that a topic overrides', async (version) => {
    const topic = await world.topic({ configs: { 'retention.ms': '1000000', 'segment.ms': '60000' } });
    expect(await admin.replace(topic.name, { 'segment.ms': '70000' }, { version })).toMatchObject({ errorCode: 0 });
    await eventually(async () => expect(await admin.configOf(topic.name, 'segment.ms')).toEqual(['70000', 1]));
    expect(await admin.configOf(topic.name, 'retention.ms')).toEqual(['604800000', 5]);
  });

  it('with nothing takes every override away', async () => {
    const topic = await world.topic({ configs: { 'retention.ms': '1000000' } });
    expect((await admin.replace(topic.name, {})).errorCode).toBe(0);
    await eventually(async () => expect(await admin.configOf(topic.name, 'retention.ms')).toEqual(['604800000', 5]));
  });

  it.each([
    ['an unknown key', { 'no.such.key': '1' }, 40],
    ['a value that is none', { 'retention.ms': 'x' }, 40],
    ['no value', { 'retention.ms': null }, 42],
  ])('refuses %s and keeps what was', async (_, configs, code) => {
    const topic = await world.topic({ configs: { 'segment.ms': '60000' } });
    expect((await admin.replace(topic.name, configs as Record<string, string | null>)).errorCode).toBe(code);
    expect(await admin.configOf(topic.name, 'segment.ms')).toEqual(['60000', 1]);
  });

  it('with validateOnly changes nothing', async () => {
    const topic = await world.topic({ configs: { 'segment.ms': '60000' } });
    expect((await admin.replace(topic.name, { 'retention.ms': '5' }, { validateOnly: true })).errorCode).toBe(0);
    expect(await admin.configOf(topic.name, 'segment.ms')).toEqual(['60000', 1]);
  });

  it('of an unknown topic answers 3', async () => {
    expect((await admin.replace(world.name(), { 'retention.ms': '5' })).errorCode).toBe(3);
  });
});
