// kafka-configs for topics, brokers, groups, subscriptions to metrics and loggers.

const CONFIGS = 'kafka.admin.ConfigCommand';

const config = (words, more = {}) => ({
  tool: CONFIGS,
  args: (servers) => ['--bootstrap-server', servers, ...words.split(' ')],
  ...more,
});
const fails = { errorKind: true };
const orders = '--entity-type topics --entity-name orders';
const broker = '--entity-type brokers --entity-name 1';
const brokers = '--entity-type brokers --entity-default';

export const configs = [
  config(`${orders} --describe`),
  config(`${orders} --describe --all`),
  config(`${orders} --alter --add-config retention.ms=60000,cleanup.policy=[compact,delete]`),
  config(`${orders} --describe`),
  config(`${orders} --alter --add-config retention.ms=90000 --delete-config cleanup.policy`),
  config(`${orders} --describe`),
  config(`${orders} --alter --delete-config retention.ms`),
  config(`${orders} --alter --delete-config retention.ms`, fails),
  config(`${orders} --alter --add-config no.such.key=1`, fails),
  config(`${orders} --alter --add-config segment.bytes=1`, fails),
  config('--entity-type topics --entity-name nowhere --describe', fails),
  config('--entity-type topics --entity-name nowhere --alter --add-config retention.ms=1', fails),
  config('--entity-type topics --describe', { sort: true }),
  config(`${broker} --describe`),
  config(`${broker} --alter --add-config log.retention.ms=7200000,message.max.bytes=2000000`),
  config(`${broker} --describe`),
  config(`${brokers} --alter --add-config log.retention.ms=3600000`),
  config(`${brokers} --describe`),
  config(`${broker} --describe`),
  config(`${orders} --describe --all`, { keep: /retention\.ms|max\.message|^exit/ }),
  config(`${broker} --alter --delete-config log.retention.ms,message.max.bytes`),
  config(`${brokers} --alter --delete-config log.retention.ms`),
  config(`${brokers} --describe`),
  config(`${broker} --alter --add-config num.partitions=3`, fails),
  config(`${broker} --alter --add-config log.retention.ms=soon`, fails),
  config('--entity-type brokers --entity-name 9 --describe', fails),
  // Where the broker listens and stores is its own affair; of all other keys name, value and origin are the same.
  config(`${broker} --describe --all`, {
    sort: true,
    hide: [
      [
        /^(listeners|advertised\.listeners|log\.dirs?|controller\.[\w.]+|process\.roles|listener\.security[\w.]+)=.*/,
        '$1',
      ],
      [/^((?:broker|node)\.id|(?:offsets\.topic|transaction\.state\.log)\.(?:replication\.factor|min\.isr))=.*/, '$1'],
    ],
  }),
  config('--entity-type groups --entity-name billing --alter --add-config consumer.session.timeout.ms=50000'),
  config('--entity-type groups --entity-name billing --describe'),
  config('--entity-type groups --entity-name billing --alter --add-config consumer.session.timeout.ms=1', fails),
  config('--entity-type groups --describe'),
  config('--entity-type groups --entity-name billing --alter --delete-config consumer.session.timeout.ms'),
  config('--entity-type client-metrics --entity-name all --alter --add-config interval.ms=60000,metrics=[org.apache]'),
  config('--entity-type client-metrics --entity-name all --describe'),
  config('--entity-type client-metrics --entity-name all --alter --delete-config interval.ms,metrics'),
  config('--entity-type broker-loggers --entity-name 1 --alter --add-config root=WARN'),
  config('--entity-type broker-loggers --entity-name 1 --describe', { keep: /root|^exit/ }),
  config('--entity-type broker-loggers --entity-name 1 --alter --add-config no.such.logger=WARN', fails),
  config('--entity-type broker-loggers --entity-name 1 --alter --add-config root=LOUD', fails),
];
