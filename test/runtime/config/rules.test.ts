import { describe, expect, it } from '@jest/globals';
import { readConfiguration } from '../../../src/runtime/config/load-configuration.js';
import { describeMistake } from '../../../src/runtime/config/mistakes.js';
import { checkConnection, type Findings } from '../../../src/runtime/config/rules.js';
import { producerOptions } from '../../../src/runtime/nest/connection/client-options.js';
import { file, folderWith } from '../../support/config-folder.js';

function check(...lines: string[]) {
  const { properties } = readConfiguration({ cwd: folderWith(file(...lines)), env: {}, argv: [] });
  const findings: Findings = { mistakes: [], notices: [] };
  checkConnection(properties, findings);
  return { mistakes: findings.mistakes.map(describeMistake), notices: findings.notices, properties };
}

describe('rules between keys', () => {
  it('find nothing in the defaults', () => {
    expect(check()).toMatchObject({ mistakes: [], notices: [] });
  });

  it.each([
    ['kafka.ssl.bundle=b', 'kafka.ssl.key-store-key=k'],
    ['kafka.ssl.bundle=b', 'kafka.ssl.key-store-location=k'],
    ['kafka.ssl.bundle=b', 'kafka.ssl.trust-store-certificates=k'],
    ['kafka.ssl.bundle=b', 'kafka.ssl.trust-store-location=k'],
    ['kafka.ssl.key-store-key=a', 'kafka.ssl.key-store-location=b'],
    ['kafka.ssl.trust-store-certificates=a', 'kafka.ssl.trust-store-location=b'],
    ['spring.kafka.consumer.ssl.bundle=a', 'spring.kafka.consumer.ssl.key-store-location=b'],
    ['kafka.producer.ssl.key-store-key=a', 'kafka.producer.ssl.key-store-location=b'],
  ])('%s and %s exclude each other', (one, other) => {
    const { mistakes } = check(one, other);
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toMatch(/^application\.properties:1:\d+: .*exclude each other; remove one of them$/);
    expect(mistakes[0]).toContain('application.properties:2:');
  });

  it('let one key stand for consumers and another for the producer', () => {
    expect(check('kafka.consumer.ssl.bundle=a', 'kafka.producer.ssl.key-store-location=b').mistakes).toEqual([]);
  });

  it.each<[lines: string[], mistake: string]>([
    [
      ['kafka.producer.properties.delivery.timeout.ms=10s'],
      'application.properties:1:47: kafka.producer.properties.delivery.timeout.ms=10s: must be at least the sum of ' +
        'kafka.producer.properties.linger.ms=0 (default) and kafka.producer.properties.request.timeout.ms=30s (default), ' +
        '30s: there would be no time for one try',
    ],
    [
      ['kafka.consumer.heartbeat-interval=20s'],
      'kafka.consumer.heartbeat-interval=20s: must be at most a third of kafka.consumer.properties.session.timeout.ms=45s (default)',
    ],
    [
      ['kafka.consumer.max-poll-interval=5s'],
      'kafka.listener.shutdown-timeout=10s: lets handlers run on at least as long as kafka.consumer.max-poll-interval=5s (application.properties:1:34)',
    ],
    [
      ['kafka.consumer.fetch-max-wait=30s'],
      'must be below kafka.consumer.properties.request.timeout.ms=30s (default): a fetch that waits would count as lost',
    ],
    [
      ['kafka.producer.properties.enable.idempotence=true', 'kafka.producer.acks=1'],
      'needs acks=all, not kafka.producer.acks=1',
    ],
    [
      [
        'kafka.producer.properties.enable.idempotence=true',
        'kafka.producer.properties.max.in.flight.requests.per.connection=6',
      ],
      'allows at most 5, not kafka.producer.properties.max.in.flight.requests.per.connection=6 (application.properties:2:65)',
    ],
    [
      ['kafka.producer.properties.enable.idempotence=true', 'kafka.producer.retries=0'],
      'needs retries, not kafka.producer.retries=0',
    ],
    [
      ['kafka.producer.buffer-memory=1KB', 'kafka.producer.batch-size=100'],
      'kafka.producer.properties.max.request.size=1MB: is more than',
    ],
    [
      ['kafka.producer.batch-size=64MB'],
      'kafka.producer.batch-size=64MB: is more than kafka.producer.buffer-memory=32MB (default) can ever hold',
    ],
    [
      ['kafka.producer.on-delivery-failure=stop', 'kafka.producer.properties.enable.idempotence=false'],
      'application.properties:1:36: kafka.producer.on-delivery-failure=stop: needs idempotence (kafka.producer.properties.',
    ],
    [
      ['kafka.consumer.value-deserializer=ErrorHandlingDeserializer'],
      'needs kafka.consumer.properties.spring.deserializer.value.delegate.class',
    ],
  ])('refuse %j', (lines, mistake) => {
    const { mistakes } = check(...lines);
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain(mistake);
  });

  it.each<[lines: string[], notice: string]>([
    [['kafka.consumer.auto-commit-interval=1s'], 'has an effect under enable-auto-commit=true only'],
    [
      ['kafka.consumer.properties.session.timeout.ms=3s', 'kafka.consumer.heartbeat-interval=1s'],
      'group.min.session.timeout.ms (6000)',
    ],
    [
      ['kafka.producer.properties.retry.backoff.ms=5s'],
      'is cut to kafka.producer.properties.retry.backoff.max.ms=1s (default)',
    ],
    [
      ['kafka.producer.batch-size=1KB', 'kafka.producer.properties.linger.ms=0'],
      'batch-size bounds what is combined meanwhile',
    ],
    [
      ['kafka.retry.topic.attempts=5'],
      'application.properties:1:28: kafka.retry.topic.attempts=5: has an effect under retry.topic.enabled=true only',
    ],
    [
      [
        'kafka.retry.topic.enabled=true',
        'kafka.retry.topic.backoff.delay=5s',
        'kafka.retry.topic.backoff.multiplier=2',
        'kafka.retry.topic.backoff.max-delay=5s',
      ],
      'kafka.retry.topic.backoff.max-delay=5s: is no limit, since it is not above kafka.retry.topic.backoff.delay=5s (app',
    ],
    [
      ['kafka.consumer.properties.spring.deserializer.value.delegate.class=StringDeserializer'],
      'under value-deserializer=ErrorHandlingDeserializer only',
    ],
  ])('remark on %j', (lines, notice) => {
    const { mistakes, notices } = check(...lines);
    expect([mistakes, notices.length]).toEqual([[], 1]);
    expect(notices[0]).toContain(notice);
  });

  it('take what production clusters run with', () => {
    const { mistakes, notices } = check(
      'kafka.consumer.properties.session.timeout.ms=6000',
      'kafka.consumer.heartbeat-interval=2000',
      'kafka.consumer.properties.max.partition.fetch.bytes=5MB',
      'kafka.consumer.properties.fetch.max.bytes=15MB',
      'kafka.consumer.max-poll-interval=300000',
      'kafka.consumer.max-poll-records=500',
      'kafka.listener.poll-timeout=50',
      'kafka.consumer.enable-auto-commit=false',
      'kafka.producer.on-delivery-failure=stop',
      'kafka.producer.acks=1',
      'kafka.producer.properties.max.in.flight.requests.per.connection=1',
      'kafka.retry.topic.enabled=true',
      'kafka.retry.topic.attempts=5',
      'kafka.retry.topic.backoff.multiplier=2',
    );
    expect([mistakes, notices]).toEqual([[], []]);
  });

  it('let the default of delivery.timeout.ms make room for long requests, as the Java client does', () => {
    const { mistakes, properties } = check('kafka.producer.properties.request.timeout.ms=180000');
    expect(mistakes).toEqual([]);
    expect(producerOptions(properties).deliveryTimeoutMs).toBe(180_000);
  });
});
