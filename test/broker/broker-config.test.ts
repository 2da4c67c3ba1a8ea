import { describe, expect, it } from '@jest/globals';
import { BrokerConfig, ConfigSource, settingsWithoutEffect } from '../../src/broker/broker-config.js';
import { BROKER_KEYS } from '../../src/broker/config/broker-keys.js';
import { refusalOf } from '../../src/broker/config/config-key.js';
import { listenerOf } from '../../src/broker/config/listener.js';
import { TopicConfig } from '../../src/broker/config/topic-config.js';
import { TOPIC_KEYS } from '../../src/broker/config/topic-keys.js';

const topicConfig = (given: Record<string, string> = {}, overrides: Record<string, string> = {}) =>
  new TopicConfig(new BrokerConfig(given), new Map(Object.entries(overrides)));

describe('BrokerConfig', () => {
  it("has Kafka's defaults", () => {
    const config = new BrokerConfig();
    expect(config.number('num.partitions')).toBe(1);
    expect(config.boolean('auto.create.topics.enable')).toBe(true);
    expect(config.number('message.max.bytes')).toBe(1048588);
    expect(config.nodeId).toBe(1);
  });

  it.each([
    ['log.retention.hour', 'log.retention.hours'],
    ['min.insync.repicas', 'min.insync.replicas'],
  ])('answers %s with %s', (written, meant) => {
    const answer = `unknown key '${written}'; did you mean '${meant}'?`;
    expect(() => new BrokerConfig({ [written]: '1' })).toThrow(answer);
  });

  it('reports every mistake at once, with the nearest name for one it does not know', () => {
    const given = { 'num.partition': '3', 'log.cleanup.policy': 'shred', 'socket.request.max.bytes': 'many' };
    expect(() => new BrokerConfig(given)).toThrow(
      /unknown key 'num\.partition'; did you mean 'num\.partitions'\?(.|\n)*'log\.cleanup\.policy' is 'shred': it must be one of delete, compact(.|\n)*'socket\.request\.max\.bytes' is 'many': it must be a whole number/,
    );
  });

  it('says of what does nothing on one node that it does nothing', () => {
    const given = {
      'unclean.leader.election.enable': 'true',
      'auto.leader.rebalance.enable': 'false',
      'replica.fetch.max.bytes': '2097152',
      'num.network.threads': '3',
      'num.partitions': '6',
    };
    expect(() => new BrokerConfig(given)).not.toThrow();
    expect(settingsWithoutEffect(given)).toEqual([
      'unclean.leader.election.enable=true is accepted, but it has no effect on one node; a cluster of several nodes heeds it',
      'auto.leader.rebalance.enable=false is accepted, but it has no effect on one node; a cluster of several nodes heeds it',
      'replica.fetch.max.bytes=2097152 is accepted, but it has no effect on one node; a cluster of several nodes heeds it',
    ]);
  });

  it('has a default that fits its own type and range for every key', () => {
    for (const [name, key] of Object.entries({ ...BROKER_KEYS, ...TOPIC_KEYS })) {
      expect([name, key.fallback === null ? undefined : refusalOf(key, key.fallback)]).toEqual([name, undefined]);
    }
  });

  it('lets a value of this node win over one of all nodes, and that over the one given at the start', () => {
    const config = new BrokerConfig({ 'log.retention.ms': '1' });
    config.setDynamic('all', 'log.retention.ms', '2');
    config.setDynamic('node', 'log.retention.ms', '3');
    expect(config.number('log.retention.ms')).toBe(3);
    config.setDynamic('node', 'log.retention.ms', null);
    expect(config.number('log.retention.ms')).toBe(2);
    config.setDynamic('all', 'log.retention.ms', null);
    expect(config.number('log.retention.ms')).toBe(1);
  });

  it('takes broker.id for node.id, but not two different ones', () => {
    expect(new BrokerConfig({ 'broker.id': '7' }).nodeId).toBe(7);
    expect(() => new BrokerConfig({ 'broker.id': '7', 'node.id': '8' })).toThrow(/set one of them/);
  });
});

describe('TopicConfig', () => {
  it('has the defaults of Kafka 4.3', () => {
    const config = topicConfig();
    expect(config.number('retention.ms')).toBe(604_800_000);
    expect(config.number('segment.ms')).toBe(604_800_000);
    expect(config.text('flush.ms')).toBe('9223372036854775807');
    expect(config.text('cleanup.policy')).toBe('delete');
    expect(Object.keys(TOPIC_KEYS)).toHaveLength(33);
  });

  it('follows the broker, the finer unit first', () => {
    expect(topicConfig({ 'log.retention.hours': '1' }).number('retention.ms')).toBe(3_600_000);
    const both = topicConfig({ 'log.retention.hours': '1', 'log.retention.minutes': '2' });
    expect(both.number('retention.ms')).toBe(120_000);
    expect(topicConfig({ 'log.retention.hours': '-1' }).number('retention.ms')).toBe(-1);
  });

  it('names every place that gives a key its value, the default last', () => {
    const config = topicConfig({ 'log.retention.ms': '2' }, { 'retention.ms': '5' });
    expect(config.entriesOf('retention.ms')).toEqual([
      { name: 'retention.ms', value: '5', source: ConfigSource.TOPIC },
      { name: 'log.retention.ms', value: '2', source: ConfigSource.STATIC_BROKER },
      { name: 'log.retention.hours', value: '168', source: ConfigSource.DEFAULT },
    ]);
    expect(config.entryOf('retention.ms').value).toBe('5');
  });

  it('does not name a coarser unit without the finest one before it, as Kafka does not', () => {
    const config = topicConfig({ 'log.retention.minutes': '2' });
    expect(config.entriesOf('retention.ms')).toEqual([]);
    expect(config.entryOf('retention.ms')).toEqual({
      name: 'retention.ms',
      value: '120000',
      source: ConfigSource.DEFAULT,
    });
  });
});

describe('listenerOf', () => {
  const listener = (given: Record<string, string>) => listenerOf(new BrokerConfig(given));

  it('reads host and port, and what to advertise', () => {
    expect(listener({ listeners: 'PLAINTEXT://0.0.0.0:19092' }).listen).toMatchObject({ host: '0.0.0.0', port: 19092 });
    const both = listener({ listeners: 'PLAINTEXT://:1', 'advertised.listeners': 'PLAINTEXT://kafka.local:2' });
    expect(both.advertised).toMatchObject({ host: 'kafka.local', port: 2 });
    expect(listener({ listeners: 'PLAINTEXT://[::1]:3' }).listen).toMatchObject({ host: '::1', port: 3 });
  });

  it('leaves the listeners of controllers alone and refuses what it cannot serve', () => {
    const kraft = { listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093', 'controller.listener.names': 'CONTROLLER' };
    expect(listener(kraft).listen.port).toBe(9092);
    expect(() => listener({ listeners: 'SSL://:9092' })).toThrow(/uses SSL; only PLAINTEXT is served/);
    expect(() => listener({ listeners: 'PLAINTEXT://:1,PLAINTEXT2://:2' })).toThrow(/there must be one/);
    expect(() => listener({ listeners: 'localhost:9092' })).toThrow(/write NAME:\/\/host:port/);
  });
});
