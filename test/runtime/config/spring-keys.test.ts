import { describe, expect, it } from '@jest/globals';
import { knownNames } from '../../../src/runtime/config/known-names.js';
import { canonicalName } from '../../../src/runtime/config/sources/property-source.js';
import { file, load, mistakesOf } from '../../support/config-folder.js';

// Spring Boot's keys, as its metadata lists them, and files as Spring applications have them.

const SSL = [
  'ssl.bundle',
  'ssl.key-password',
  'ssl.key-store-certificate-chain',
  'ssl.key-store-key',
  'ssl.key-store-location',
  'ssl.key-store-password',
  'ssl.key-store-type',
  'ssl.protocol',
  'ssl.trust-store-certificates',
  'ssl.trust-store-location',
  'ssl.trust-store-password',
  'ssl.trust-store-type',
  'security.protocol',
];
const of = (prefix: string, names: string) => [...names.split(' '), ...SSL].map((name) => `${prefix}.${name}`);
const SPRING_KEYS = [
  'bootstrap-servers',
  'client-id',
  'properties',
  ...SSL,
  ...['enabled', 'login-module', 'control-flag', 'options'].map((name) => `jaas.${name}`),
  ...of('admin', 'client-id properties close-timeout operation-timeout fail-fast modify-topic-configs auto-create'),
  ...of(
    'consumer',
    'auto-commit-interval auto-offset-reset bootstrap-servers client-id enable-auto-commit fetch-max-wait ' +
      'fetch-min-size group-id heartbeat-interval isolation-level key-deserializer value-deserializer ' +
      'max-poll-records max-poll-interval properties',
  ),
  ...of(
    'producer',
    'acks batch-size bootstrap-servers buffer-memory client-id compression-type key-serializer value-serializer ' +
      'retries transaction-id-prefix properties',
  ),
  ...(
    'type ack-mode async-acks client-id concurrency poll-timeout no-poll-threshold ack-count ack-time ' +
    'idle-between-polls idle-event-interval idle-partition-event-interval monitor-interval log-container-config ' +
    'missing-topics-fatal immediate-stop auto-startup change-consumer-thread-name observation-enabled ' +
    'auth-exception-retry-interval'
  )
    .split(' ')
    .map((name) => `listener.${name}`),
  ...['default-topic', 'transaction-id-prefix', 'close-timeout', 'allow-non-transactional', 'observation-enabled'].map(
    (name) => `template.${name}`,
  ),
  ...['enabled', 'attempts', 'backoff.delay', 'backoff.multiplier', 'backoff.max-delay', 'backoff.jitter'].map(
    (name) => `retry.topic.${name}`,
  ),
];

describe('the keys of Spring Boot', () => {
  it('are 123 without Streams, and all of them are known', () => {
    expect(SPRING_KEYS).toHaveLength(123);
    expect(SPRING_KEYS.filter((name) => !knownNames().byCanonical.has(canonicalName(name)))).toEqual([]);
  });

  it('include those of Streams, which say that there are none', () => {
    const { notices } = load(file('spring.kafka.streams.application-id=x', 'spring.kafka.streams.properties.a.b=c'));
    expect(notices).toHaveLength(2);
    expect(notices[0]).toContain('spring.kafka.streams.application-id has no effect: Kafka Streams is a Java library');
  });

  it.each([
    'ssl.keystore-location',
    'ssl.truststore-password',
    'consumer.ssl.keystore-password',
    'admin.ssl.truststore-location',
  ])('include %s, an old spelling of the same key', (name) => {
    expect(knownNames().byCanonical.has(canonicalName(name))).toBe(true);
  });

  it.each(['', 'consumer.', 'producer.', 'admin.'])('include the labels of metrics below %sproperties', (client) => {
    const line = `spring.kafka.${client}properties.metrics.context.app=orders`;
    expect(load(file(line)).notices).toEqual([
      expect.stringContaining('metrics.context.app has no effect: there is no JVM'),
    ]);
  });

  it.each<[line: string, explanation: string]>([
    ['spring.kafka.listener.only-log-record-metadata=true', 'was removed in Spring Boot 3.0; logs here name records'],
    ['spring.kafka.retry.topic.backoff.random=true', 'write spring.kafka.retry.topic.backoff.jitter=<duration>'],
    ['kafka.retry.topic.delay=1s', 'was moved in Spring Boot 3.4; write kafka.retry.topic.backoff.delay'],
    ['kafka.retry.topic.max-delay=1s', 'write kafka.retry.topic.backoff.max-delay'],
    ['kafka.retry.topic.multiplier=2', 'write kafka.retry.topic.backoff.multiplier'],
    ['kafka.retry.topic.random-back-off=true', 'write kafka.retry.topic.backoff.jitter'],
    [
      'kafka.admin.bootstrap-servers=h:1',
      'does not exist in Spring either; the admin client uses kafka.bootstrap-servers',
    ],
  ])('explain %s, which is gone', (line, explanation) => {
    expect(mistakesOf(() => load(file(line)))[0]).toContain(explanation);
  });
});

describe('names that nobody knows', () => {
  it.each<[written: string, meant: string]>([
    ['producer.properties.max.blocks.ms', 'producer.properties.max.block.ms'],
    ['producer.properties.request.required.acks', 'producer.acks'],
    ['producer.properties.block.on.buffer.full', 'producer.properties.max.block.ms'],
    ['producer.retires', 'producer.retries'],
    ['producer.properties.retires', 'producer.properties.retries'],
    ['properties.connection.max.idle.ms', 'properties.connections.max.idle.ms'],
    ['consumer.properties.gorup.id', 'consumer.properties.group.id'],
    ['consumer.properties.session.timout.ms', 'consumer.properties.session.timeout.ms'],
    ['producer.properties.Compress.type', 'producer.properties.compression.type'],
    ['producer.properties.Transaction.id.timeout.ms', 'producer.properties.transaction.timeout.ms'],
    ['producer.properties.Max.transaction.timeout.ms', 'producer.properties.transaction.timeout.ms'],
    ['consumer.auto.commit.interval.ms', 'consumer.auto-commit-interval'],
    ['consumer.properties.max.poll.internal.ms', 'consumer.properties.max.poll.interval.ms'],
    ['consumer.properties.hearbeat.interval.ms', 'consumer.properties.heartbeat.interval.ms'],
    ['consumer.session.timeout.ms', 'consumer.properties.session.timeout.ms'],
    ['session.timeout.ms', 'consumer.properties.session.timeout.ms'],
    ['acks', 'producer.acks'],
    ['consumer.max.poll.records', 'consumer.max-poll-records'],
    ['properties.metadata.broker.list', 'bootstrap-servers'],
    ['producer.linger.ms', 'producer.properties.linger.ms'],
    ['bootstrap-server', 'bootstrap-servers'],
    ['listener.ackmode', ''],
    ['listener.concurency', 'listener.concurrency'],
    ['embeded.port', 'embedded.port'],
    ['template.default-topics', 'template.default-topic'],
  ])('kafka.%s is answered with what is meant', (written, meant) => {
    const run = () => load(file(`spring.kafka.${written}=1`));
    const found = meant === '' ? 'not allowed' : `unknown key; did you mean spring.kafka.${meant}?`;
    expect(mistakesOf(run)).toEqual([expect.stringContaining(found)]);
  });

  it('are told where they belong', () => {
    expect(mistakesOf(() => load(file('kafka.producer.properties.session.timeout.ms=1')))[0]).toContain(
      'a producer has no property session.timeout.ms; it belongs to consumer.properties.session.timeout.ms',
    );
    expect(mistakesOf(() => load(file('kafka.xyz.abc.def=1')))[0]).toContain('unknown key, and none is like it');
    expect(mistakesOf(() => load(file('kafka.producer.properties.my.region=eu')))[0]).toContain(
      'no property of Kafka is like my.region; what a class of your own reads stands outside of kafka., as my.region',
    );
  });
});

/** As tutorials print it, comments, blanks and class names included. */
const PRINTED = `###########【Kafka集群】###########
spring.kafka.bootstrap-servers=112.126.74.249:9092,112.126.74.249:9093
###########【初始化生产者配置】###########
# 重试次数
spring.kafka.producer.retries=0
# 应答级别:多少个分区副本备份完成时向生产者发送ack确认(可选0、1、all/-1)
spring.kafka.producer.acks=1
# 批量大小
spring.kafka.producer.batch-size=16384
# 提交延时
spring.kafka.producer.properties.linger.ms=0
# 生产端缓冲区大小
spring.kafka.producer.buffer-memory = 33554432
# Kafka提供的序列化和反序列化类
spring.kafka.producer.key-serializer=org.apache.kafka.common.serialization.StringSerializer
spring.kafka.producer.value-serializer=org.apache.kafka.common.serialization.StringSerializer
# 自定义分区器
# spring.kafka.producer.properties.partitioner.class=com.felix.kafka.producer.CustomizePartitioner
###########【初始化消费者配置】###########
# 默认的消费组ID
spring.kafka.consumer.properties.group.id=defaultConsumerGroup
# 是否自动提交offset
spring.kafka.consumer.enable-auto-commit=true
# 提交offset延时(接收到消息后多久提交offset)
spring.kafka.consumer.auto.commit.interval.ms=1000
spring.kafka.consumer.auto-offset-reset=latest
# 消费会话超时时间
spring.kafka.consumer.properties.session.timeout.ms=120000
# 消费请求超时时间
spring.kafka.consumer.properties.request.timeout.ms=180000
spring.kafka.consumer.key-deserializer=org.apache.kafka.common.serialization.StringDeserializer
spring.kafka.consumer.value-deserializer=org.apache.kafka.common.serialization.StringDeserializer
# 消费端监听的topic不存在时,项目启动会报错(关掉)
spring.kafka.listener.missing-topics-fatal=false
# 设置批量消费
# spring.kafka.listener.type=batch
# 批量消费每次最多消费多少条消息
# spring.kafka.consumer.max-poll-records=50
`;

describe('a file as it is printed', () => {
  it('is refused for one key, with what is meant', () => {
    expect(mistakesOf(() => load({ 'application.properties': PRINTED }))).toEqual([
      'application.properties:25:47: spring.kafka.consumer.auto.commit.interval.ms=1000: unknown key; did you mean spring.kafka.consumer.auto-commit-interval?',
    ]);
  });

  it('works once that is put right, without a warning', () => {
    const fixed = PRINTED.replace('auto.commit.interval.ms=1000', 'auto-commit-interval=1s');
    const { properties, notices } = load({ 'application.properties': fixed });
    expect(notices).toEqual([]);
    expect(properties.get('bootstrap-servers')).toEqual(['112.126.74.249:9092', '112.126.74.249:9093']);
    expect(properties.get('producer.buffer-memory')).toBe(33_554_432);
    expect(properties.get('consumer.group-id')).toBe('defaultConsumerGroup');
    expect(properties.get('consumer.auto-commit-interval')).toBe(1_000);
    expect(properties.get('consumer.value-deserializer')).toBe('string');
  });

  it('takes the name of a partitioner of its own, which the application has to have', () => {
    const own = PRINTED.replace(
      '# spring.kafka.producer.properties.partitioner',
      'spring.kafka.producer.properties.partitioner',
    ).replace('auto.commit.interval.ms=1000', 'auto-commit-interval=1s');
    const { properties } = load({ 'application.properties': own });
    expect(properties.get('producer.properties.partitioner.class')).toBe(
      'com.felix.kafka.producer.CustomizePartitioner',
    );
  });
});
