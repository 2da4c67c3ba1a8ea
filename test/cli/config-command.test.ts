import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { file, folderWith } from '../support/config-folder.js';

const MAIN = join(process.cwd(), 'dist/esm/cli/main.js');

function config(files: Record<string, string>, args: readonly string[] = [], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'config', ...args], {
    cwd: folderWith(files),
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
  });
  return { status, lines: stdout.trimEnd().split('\n'), stdout, stderr };
}

const FILE = file(
  'kafka.bootstrap-servers=kafka-1:9092,kafka-2:9092',
  'kafka.consumer.group-id=billing',
  'kafka.consumer.auto-offset-reset=earliest',
  'kafka.consumer.properties.session.timeout.ms=30s',
  'orders.topic=orders',
);

describe('nestdaw config', () => {
  it('prints what is set, with its place, as the page of the configuration shows it', () => {
    const { status, lines } = config(FILE, ['consumer', '--changed']);
    const page = readFileSync('docs/configuration.md', 'utf8');
    expect(page).toContain(lines.join('\n'));
    expect(status).toBe(0);
  });

  it('prints every value in force, with the defaults that differ from those of Kafka', () => {
    const { status, stdout } = config(FILE, [], { KAFKA_CLIENT_ID: 'from-variable' });
    expect(stdout).toMatch(/^kafka\.client-id +from-variable +environment variable KAFKA_CLIENT_ID$/m);
    expect(stdout).toMatch(/^kafka\.producer\.properties\.linger\.ms +0 +default \(Kafka: 5\)$/m);
    expect(stdout).toMatch(/^kafka\.producer\.batch-size +16KB +default$/m);
    expect(stdout).not.toContain('kafka.consumer.ssl.bundle');
    expect(status).toBe(0);
  });

  it('takes profiles, arguments and other files', () => {
    const files = {
      ...FILE,
      'application-prod.yml': 'kafka:\n  client-id: prod\n',
      'other.properties': 'kafka.client-id=o',
    };
    const client = (args: string[]) => config(files, ['client-id', '-c', ...args]).lines.at(-1);
    expect(client(['-p', 'prod'])).toBe('kafka.client-id  prod  application-prod.yml:2:14');
    expect(client(['-f', 'other.properties'])).toBe('kafka.client-id  o  other.properties:1:17');
    expect(client(['--', '--kafka.client-id=me'])).toBe('kafka.client-id  me  argument --kafka.client-id');
  });

  it('hides secrets, in lines, in JSON and in mistakes', () => {
    const files = file(
      'kafka.security.protocol=SASL_SSL',
      'kafka.properties.sasl.mechanism=PLAIN',
      'kafka.properties.sasl.jaas.config=PlainLoginModule required username="u" password="hunter2";',
      'kafka.ssl.key-pasword=hunter2',
      'kafka.embedded.properties.x.password=hunter2',
      'kafka.redis.url=redis://:hunter2@h:6379',
      'kafka.properties.basic.auth.user.inf=me:hunter2',
    );
    for (const args of [[], ['--json']]) {
      const { status, stdout, stderr } = config(files, args);
      expect(stdout + stderr).not.toContain('hunter2');
      expect(stdout + stderr).toContain('******');
      expect(status).toBe(1);
    }
  });

  it('lists every mistake and exits with 1', () => {
    const { status, stderr } = config(
      file(
        'kafka.consumer.max-pol-records=5',
        'kafka.producer.acks=two',
        'kafka.embedded.properties.log.retention.hour=1',
        'kafka.embedded.properties.min.insync.repicas=1',
        'kafka.consumer.heartbeat-interval=1m',
        'kafka.ssl.key-store-location=gone.p12',
      ),
    );
    expect(stderr.trim().split('\n').sort()).toEqual(
      [
        '6 mistakes, the application would not start:',
        '  - application.properties:1:32: kafka.consumer.max-pol-records=5: unknown key; did you mean kafka.consumer.max-poll-records?',
        '  - application.properties:2:21: kafka.producer.acks=two: not allowed; allowed: all, 1, 0, -1',
        "  - application.properties:3:46: kafka.embedded.properties.log.retention.hour=1: unknown key 'log.retention.hour'; did you mean 'log.retention.hours'?",
        "  - application.properties:4:46: kafka.embedded.properties.min.insync.repicas=1: unknown key 'min.insync.repicas'; did you mean 'min.insync.replicas'?",
        '  - application.properties:5:35: kafka.consumer.heartbeat-interval=1m: must be at most a third of kafka.consumer.properties.session.timeout.ms=45s (default): one lost heartbeat would end the session; lower the first or raise the second',
        '  - application.properties:6:30: kafka.ssl.key-store-location=gone.p12: has no effect under security.protocol=PLAINTEXT (by default); use SSL or SASL_SSL, or remove the key',
      ].sort(),
    );
    expect(status).toBe(1);
  });

  it('finds what only a connection finds: named producers, settings that do not fit, no servers at all', () => {
    const stderr = (...lines: string[]) => config(file(...lines), ['--changed']).stderr;
    const named = stderr('kafka.producers.bulk.ack=1', 'kafka.embedded.enabled=false');
    expect(named).toContain('properties:1:26: kafka.producers.bulk.ack=1: is no key of a producer; did you mean acks?');
    expect(named).toContain('properties:2:24: kafka.embedded.enabled=false: there is no broker to talk to');
    const stop = [
      'kafka.producer.on-delivery-failure=stop',
      'kafka.producer.acks=1',
      'kafka.producers.bulk.batch-size=1KB',
    ];
    const unfit = stderr(...stop);
    expect(unfit).toContain('one mistake');
    expect(unfit).toContain('properties:1:36: kafka.producer.on-delivery-failure=stop: needs idempotence (kafka.prod');
    const bulk = stderr('kafka.producers.bulk.properties.delivery.timeout.ms=5s', 'kafka.producer.batch-size=1KB');
    expect(bulk).toContain('one mistake');
    expect(bulk).toContain(
      'properties:1:53: kafka.producers.bulk.properties.delivery.timeout.ms=5s: must be at least the sum of kafka.producer.',
    );
  });

  it('shows each connection, and is read by programs', () => {
    const { status, stdout } = config(
      file('kafka.client-id=one', 'kafka.audit.client-id=two', 'kafka.properties.send.buffer.bytes=1KB'),
      ['--json', '--changed'],
    );
    expect(JSON.parse(stdout)).toEqual({
      profiles: [],
      sources: ['application.properties', 'environment', 'arguments'],
      connections: {
        default: [{ key: 'kafka.client-id', value: 'one', origin: 'application.properties:1:17' }],
        audit: [{ key: 'kafka.audit.client-id', value: 'two', origin: 'application.properties:2:23' }],
      },
      warnings: [
        expect.stringContaining('application.properties:3:36: kafka.properties.send.buffer.bytes has no effect'),
      ],
      mistakes: [],
    });
    expect(status).toBe(0);
  });

  it('explains keys, and teaches by its help', () => {
    const { stdout } = config({}, ['linger', '--keys']);
    expect(stdout).toContain('kafka.producer.properties.linger.ms  (duration, from 0 ms, default 0)');
    expect(stdout).toContain("Kafka's default: 5.");
    expect(config({}, ['--help']).stdout).toContain('nestdaw config consumer --changed');
  });
});
