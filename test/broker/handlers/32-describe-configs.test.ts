import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryFileSystem } from '../../../src/broker/log/memory-file-system.js';
import { AlterConfigs, DescribeConfigs, IncrementalAlterConfigs } from '../../../src/protocol/messages/index.js';
import { BrokerFixture } from '../../support/broker-fixture.js';

// Configurations are read and changed.

const [TOPIC, BROKER] = [2, 4];
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3];

let fixture: BrokerFixture;
beforeEach(async () => {
  fixture = await BrokerFixture.start({ config: { 'log.retention.ms': '120000' } });
  await fixture.createTopic('orders');
});
afterEach(() => fixture.stop());

async function describe_(resourceType: number, resourceName: string, keys: string[] | null = null, synonyms = false) {
  const resources = [{ resourceType, resourceName, configurationKeys: keys }];
  const request = { resources, includeSynonyms: synonyms, includeDocumentation: true };
  return (await fixture.client.send(DescribeConfigs, 4, request)).results[0]!;
}

async function value(name: string, resourceType = TOPIC, resourceName = 'orders') {
  const { configs } = await describe_(resourceType, resourceName, [name]);
  return configs[0] && [configs[0].value, configs[0].configSource];
}

async function change(
  name: string,
  configOperation: number,
  to: string | null,
  more: { type?: number; resource?: string; validateOnly?: boolean } = {},
) {
  const { type = TOPIC, resource = 'orders', validateOnly = false } = more;
  const configs = [{ name, configOperation, value: to }];
  const resources = [{ resourceType: type, resourceName: resource, configs }];
  const { responses } = await fixture.client.send(IncrementalAlterConfigs, 1, { resources, validateOnly });
  return responses[0]!;
}

describe('DescribeConfigs', () => {
  it('lists every key of a topic, with what it is', async () => {
    const { errorCode, configs } = await describe_(TOPIC, 'orders');
    expect([errorCode, configs.length]).toEqual([0, 33]);
    expect(configs.find(({ name }) => name === 'cleanup.policy')).toMatchObject({
      value: 'delete',
      readOnly: false,
      configSource: 5,
      configType: 7,
      isSensitive: false,
      documentation: expect.stringMatching(/\w/),
    });
  });

  it('shows what stands behind a value', async () => {
    await change('retention.ms', SET, '7');
    const { configs } = await describe_(TOPIC, 'orders', ['retention.ms'], true);
    expect(configs[0]).toMatchObject({ value: '7', configSource: 1 });
    expect(configs[0]!.synonyms).toEqual([
      { name: 'retention.ms', value: '7', source: 1 },
      { name: 'log.retention.ms', value: '120000', source: 4 },
      { name: 'log.retention.hours', value: '168', source: 5 },
    ]);
  });

  it('tells of the broker what can be changed and what cannot', async () => {
    const { configs } = await describe_(BROKER, '1', ['log.retention.ms', 'log.retention.hours', 'log.dirs']);
    expect(configs.map(({ name, readOnly }) => [name, readOnly])).toEqual([
      ['log.dirs', true],
      ['log.retention.hours', true],
      ['log.retention.ms', false],
    ]);
  });

  it('refuses what there is not', async () => {
    expect(await describe_(TOPIC, 'nowhere')).toMatchObject({ errorCode: 3, configs: [] });
    expect(await describe_(BROKER, '2')).toMatchObject({ errorCode: 42 });
    expect(await describe_(99, 'x')).toMatchObject({ errorCode: 42 });
  });
});

describe('IncrementalAlterConfigs', () => {
  it('sets and deletes a key, with effect at once', async () => {
    expect(await change('max.message.bytes', SET, '100')).toMatchObject({ errorCode: 0 });
    expect(await fixture.appendValues('orders', ['x'.repeat(100)])).toMatchObject({ errorCode: 10 });
    expect(await change('max.message.bytes', DELETE, null)).toMatchObject({ errorCode: 0 });
    expect(await fixture.appendValues('orders', ['x'.repeat(100)])).toMatchObject({ errorCode: 0 });
  });

  it('adds to lists and takes from them', async () => {
    expect(await change('cleanup.policy', APPEND, 'compact')).toMatchObject({ errorCode: 0 });
    expect(await value('cleanup.policy')).toEqual(['delete,compact', 1]);
    await change('cleanup.policy', APPEND, 'compact');
    expect(await value('cleanup.policy')).toEqual(['delete,compact', 1]);
    await change('cleanup.policy', SUBTRACT, 'delete');
    expect(await value('cleanup.policy')).toEqual(['compact', 1]);
    expect(await change('retention.ms', APPEND, '5')).toMatchObject({ errorCode: 40 });
  });

  it('changes defaults for all topics through the broker, this one before all', async () => {
    await change('message.max.bytes', SET, '200', { type: BROKER, resource: '' });
    expect(await value('max.message.bytes')).toEqual(['200', 3]);
    await change('message.max.bytes', SET, '100', { type: BROKER, resource: '1' });
    expect(await value('max.message.bytes')).toEqual(['100', 2]);
    expect(await fixture.appendValues('orders', ['x'.repeat(100)])).toMatchObject({ errorCode: 10 });
    expect((await describe_(BROKER, '')).configs.map(({ name, value: v }) => [name, v])).toEqual([
      ['message.max.bytes', '200'],
    ]);
  });

  it.each<[string, string, number, string | null, number]>([
    ['an unknown key', 'retention', SET, '5', 40],
    ['a bad value', 'retention.ms', SET, 'long', 40],
    ['null as a value', 'retention.ms', SET, null, 42],
    ['an unknown operation', 'retention.ms', 7, '5', 42],
  ])('refuses %s', async (_what, name, operation, to, errorCode) => {
    expect(await change(name, operation, to)).toMatchObject({ errorCode });
  });

  it('refuses keys of the broker that need a restart', async () => {
    expect(await change('log.retention.hours', SET, '5', { type: BROKER, resource: '1' })).toMatchObject({
      errorCode: 42,
      errorMessage: 'Cannot update these configs dynamically: [log.retention.hours]',
    });
  });

  it('only looks when it is asked to', async () => {
    expect(await change('retention.ms', SET, '5', { validateOnly: true })).toMatchObject({ errorCode: 0 });
    expect(await value('retention.ms')).toEqual(['120000', 4]);
  });

  it('refuses a resource that is named twice', async () => {
    const resource = { resourceType: TOPIC, resourceName: 'orders', configs: [] };
    const request = { resources: [resource, resource], validateOnly: false };
    const { responses } = await fixture.client.send(IncrementalAlterConfigs, 0, request);
    expect(responses.map(({ errorCode }) => errorCode)).toEqual([42, 42]);
  });
});

describe('AlterConfigs', () => {
  it('replaces all overrides', async () => {
    await change('retention.ms', SET, '5');
    const configs = [{ name: 'segment.ms', value: '6' }];
    const resources = [{ resourceType: TOPIC, resourceName: 'orders', configs }];
    const { responses } = await fixture.client.send(AlterConfigs, 1, { resources, validateOnly: false });
    expect(responses[0]!.errorCode).toBe(0);
    expect(await value('segment.ms')).toEqual(['6', 1]);
    expect(await value('retention.ms')).toEqual(['120000', 4]);
  });
});

it('configurations survive a restart, and not the topic they belong to', async () => {
  await fixture.stop();
  const disk = new MemoryFileSystem();
  const first = await BrokerFixture.start({ fileSystem: disk });
  fixture = first;
  await first.createTopic('orders', 1, { 'retention.ms': '5' });
  await change('log.retention.bytes', SET, '4', { type: BROKER, resource: '' });
  await first.stop();
  fixture = await BrokerFixture.start({ fileSystem: disk });
  expect(await value('retention.ms')).toEqual(['5', 1]);
  expect(await value('log.retention.bytes', BROKER, '1')).toEqual(['4', 3]);
});
