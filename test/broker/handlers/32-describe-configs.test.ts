import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryFileSystem } from '../../../src/broker/log/disk/memory-file-system.js';
import {
  AlterConfigs,
  ApiVersions,
  DescribeConfigs,
  IncrementalAlterConfigs,
  ListConfigResources,
} from '../../../src/protocol/messages/index.js';
import { BrokerFixture } from '../../support/broker-fixture.js';
import { SocketClient } from '../../support/raw-client.js';

// Configurations are read and changed.

const [TOPIC, BROKER] = [2, 4];
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3];

let fixture: BrokerFixture;
beforeEach(async () => {
  fixture = await BrokerFixture.start({ config: { 'log.retention.ms': '120000', 'ssl.key.password': 'secret' } });
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

describe('keys of the broker', () => {
  const brokerKey = (name: string, to: string | null, resource = '1', operation = SET) =>
    change(name, operation, to, { type: BROKER, resource });

  it('are all told, those that Kafka keeps to itself left out, secrets without their value', async () => {
    const { configs } = await describe_(BROKER, '1', null, true);
    const names = configs.map(({ name }) => name);
    expect(names.length).toBeGreaterThan(335);
    expect(names).toEqual([...names].sort());
    expect(names).toEqual(
      expect.arrayContaining(['ssl.keystore.location', 'group.share.max.size', 'remote.log.reader.threads']),
    );
    expect(names).not.toContain('producer.id.expiration.check.interval.ms');
    const secret = configs.find(({ name }) => name === 'ssl.key.password')!;
    expect(secret).toMatchObject({ value: null, isSensitive: true, configType: 9 });
    expect(secret.synonyms).toEqual([{ name: 'ssl.key.password', value: null, source: 4 }]);
  });

  it('of the node win over those of all brokers, those over what was given, and topics follow', async () => {
    await brokerKey('log.retention.ms', '5', '');
    await brokerKey('log.retention.ms', '7');
    const { configs } = await describe_(BROKER, '1', ['log.retention.ms'], true);
    expect(configs[0]).toMatchObject({ value: '7', configSource: 2 });
    expect(configs[0]!.synonyms).toEqual([
      { name: 'log.retention.ms', value: '7', source: 2 },
      { name: 'log.retention.ms', value: '5', source: 3 },
      { name: 'log.retention.ms', value: '120000', source: 4 },
      { name: 'log.retention.hours', value: '168', source: 5 },
    ]);
    expect(await value('retention.ms')).toEqual(['7', 2]);
    await brokerKey('log.retention.ms', null, '1', DELETE);
    expect(await value('retention.ms')).toEqual(['5', 3]);
    await brokerKey('log.retention.ms', null, '', DELETE);
    expect(await value('retention.ms')).toEqual(['120000', 4]);
  });

  it.each<[string, string, string | null, number, number]>([
    ['a key that needs a restart', 'num.partitions', '3', SET, 42],
    ['a value that is none', 'log.retention.ms', 'soon', SET, 42],
    ['an addition to what is no list', 'log.retention.ms', '5', APPEND, 40],
    ['a key of single listeners', 'ssl.keystore.location', '/key', SET, 42],
    ['a Java class', 'create.topic.policy.class.name', 'Policy', SET, 42],
  ])('refuse %s', async (_what, name, to, operation, errorCode) => {
    expect(await brokerKey(name, to, '1', operation)).toMatchObject({ errorCode });
  });

  it('that need a restart are named together', async () => {
    const configs = ['num.partitions', 'log.dirs', 'log.retention.ms'].map((name) => ({ name, value: '3' }));
    const resources = [{ resourceType: BROKER, resourceName: '1', configs }];
    const { responses } = await fixture.client.send(AlterConfigs, 2, { resources, validateOnly: false });
    expect(responses[0]!.errorMessage).toBe('Cannot update these configs dynamically: [num.partitions, log.dirs]');
    expect(await value('log.retention.ms', BROKER, '1')).toEqual(['120000', 4]);
  });

  it('that nobody here knows are kept for whoever set them, and told without their value', async () => {
    expect(await brokerKey('plugin.secret', 'x', '')).toMatchObject({ errorCode: 0 });
    for (const resource of ['', '1']) {
      const { configs } = await describe_(BROKER, resource, ['plugin.secret']);
      expect(configs).toMatchObject([{ value: null, isSensitive: true, configSource: 3 }]);
    }
    await brokerKey('plugin.secret', null, '', DELETE);
    expect((await describe_(BROKER, '1', ['plugin.secret'])).configs).toEqual([]);
  });

  it('act on the connections of single addresses', async () => {
    const { port } = fixture.broker;
    await brokerKey('max.connections.per.ip.overrides', '127.0.0.1:1,10.0.0.1:7');
    const first = await SocketClient.connect(port);
    const second = await SocketClient.connect(port);
    await second.closed;
    await brokerKey('max.connections.per.ip.overrides', null, '1', DELETE);
    const third = await SocketClient.connect(port);
    const versions = { clientSoftwareName: 'a', clientSoftwareVersion: '1' };
    expect(await third.send(ApiVersions, 3, versions)).toMatchObject({ errorCode: 0 });
    expect(await brokerKey('max.connections.per.ip.overrides', 'many')).toMatchObject({ errorCode: 42 });
    first.close();
    third.close();
  });
});

describe('keys of groups and of subscriptions to metrics', () => {
  const [GROUP, METRICS] = [32, 16];

  it('of a group lie over those of the broker, within its limits', async () => {
    const name = 'consumer.session.timeout.ms';
    const own = { type: GROUP, resource: 'billing' };
    expect(await value(name, GROUP, 'billing')).toEqual(['45000', 5]);
    expect(await change(name, SET, '50000', own)).toMatchObject({ errorCode: 0 });
    const { configs } = await describe_(GROUP, 'billing', [name], true);
    expect(configs[0]!.synonyms).toEqual([
      { name, value: '50000', source: 8 },
      { name: `group.${name}`, value: '45000', source: 5 },
    ]);
    expect(await change(name, SET, '1', own)).toMatchObject({
      errorCode: 40,
      errorMessage: `${name} must be greater than or equal to group.consumer.min.session.timeout.ms`,
    });
    expect(await change('share.auto.offset.reset', SET, 'sometime', own)).toMatchObject({ errorCode: 40 });
    expect(await change('retention.ms', SET, '1', own)).toMatchObject({ errorCode: 40 });
    expect(await change(name, SET, '50000', { type: GROUP, resource: '' })).toMatchObject({ errorCode: 42 });
    expect((await describe_(GROUP, 'billing')).configs).toHaveLength(17);
  });

  it('of a subscription are kept and checked', async () => {
    const own = { type: METRICS, resource: 'all' };
    expect(await change('interval.ms', SET, '60000', own)).toMatchObject({ errorCode: 0 });
    expect(await change('match', SET, 'client_id=a.*', own)).toMatchObject({ errorCode: 0 });
    expect(await value('interval.ms', METRICS, 'all')).toEqual(['60000', 7]);
    expect(await value('metrics', METRICS, 'all')).toEqual(['', 5]);
    expect(await change('interval.ms', SET, '5', own)).toMatchObject({ errorCode: 42 });
    expect(await change('match', SET, 'colour=red', own)).toMatchObject({ errorCode: 40 });
    expect(await change('match', SET, 'client_id=[', own)).toMatchObject({ errorCode: 40 });
    expect(await change('no.such.key', SET, '5', own)).toMatchObject({ errorCode: 42 });
  });

  it('are listed once they are set, and no longer when they are taken back', async () => {
    const listed = async () => {
      const { configResources } = await fixture.client.send(ListConfigResources, 1, {
        resourceTypes: [METRICS, GROUP],
      });
      return configResources.map(({ resourceName }) => resourceName);
    };
    await change('interval.ms', SET, '60000', { type: METRICS, resource: 'all' });
    await change('consumer.session.timeout.ms', SET, '50000', { type: GROUP, resource: 'billing' });
    expect(await listed()).toEqual(['billing', 'all']);
    await change('interval.ms', DELETE, null, { type: METRICS, resource: 'all' });
    await change('consumer.session.timeout.ms', DELETE, null, { type: GROUP, resource: 'billing' });
    expect(await listed()).toEqual([]);
  });
});

describe('the root logger', () => {
  const LOGGER = 8;
  const level = (to: string | null, operation = SET, more = {}) =>
    change('root', operation, to, { type: LOGGER, resource: '1', ...more });

  it('has a level that acts at once', async () => {
    await fixture.stop();
    const said: string[] = [];
    const say = (message: string) => void said.push(message);
    fixture = await BrokerFixture.start({
      logger: { log: say, warn: say, error: say },
      config: { 'max.connections': '0' },
    });
    expect(await value('root', LOGGER, '1')).toEqual(['INFO', 6]);
    const refused = async () => (await SocketClient.connect(fixture.broker.port)).closed;
    await refused();
    const before = said.length;
    expect(before).toBeGreaterThan(0);
    expect(await level('ERROR')).toMatchObject({ errorCode: 0 });
    await refused();
    expect(said).toHaveLength(before);
    expect(await value('root', LOGGER, '1')).toEqual(['ERROR', 6]);
  });

  it('refuses what is no level, its removal, additions, and other loggers', async () => {
    expect(await level('LOUD')).toMatchObject({ errorCode: 40 });
    expect(await level(null, DELETE)).toMatchObject({ errorCode: 42 });
    expect(await level('WARN', APPEND)).toMatchObject({ errorCode: 42 });
    expect(await change('log.cleaner', SET, 'WARN', { type: LOGGER, resource: '1' })).toMatchObject({ errorCode: 40 });
    expect(await level('WARN', SET, { resource: '2' })).toMatchObject({ errorCode: 42 });
    expect(await level('WARN', SET, { validateOnly: true })).toMatchObject({ errorCode: 0 });
    expect(await value('root', LOGGER, '1')).toEqual(['INFO', 6]);
  });
});

describe('keys of topics that must fit together', () => {
  it('refuse a least age of compaction above the greatest', async () => {
    expect(await change('max.compaction.lag.ms', SET, '5')).toMatchObject({ errorCode: 0 });
    expect(await change('min.compaction.lag.ms', SET, '6')).toMatchObject({ errorCode: 40 });
    await expect(
      fixture.createTopic('odd', 1, { 'min.compaction.lag.ms': '6', 'max.compaction.lag.ms': '5' }),
    ).rejects.toThrow(/min.compaction.lag.ms \(6\) is greater/);
  });

  it.each([
    ['remote.storage.enable', 'true'],
    ['retention.ms', '-2'],
    ['compression.gzip.level', '0'],
    ['leader.replication.throttled.replicas', 'all'],
  ])('refuse %s=%s', async (name, to) => {
    expect(await change(name, SET, to)).toMatchObject({ errorCode: 40 });
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
