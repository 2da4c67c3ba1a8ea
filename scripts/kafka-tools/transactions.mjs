import { topic } from './topics.mjs';

// kafka-transactions: a producer that ends its transactions, one that dies in the middle of one, and what an
// administrator does about it.

const transactions = (words, more = {}) => ({
  name: `transactions ${words}`,
  tool: 'org.apache.kafka.tools.TransactionsCommand',
  args: (servers) => ['--bootstrap-server', servers, ...words.split(' ')],
  // Which ids producers get, and how many ends they had, is chance; which state they are in is not.
  hide: [
    [/\b\d{10,}\b/g, 'TIME'],
    [/^(\S+ 1) \d+ /, '$1 PID '],
  ],
  ...more,
});
const fails = { errorKind: true };
const performance = (words) => ({
  tool: 'org.apache.kafka.tools.ProducerPerformance',
  args: (servers) => ['--bootstrap-server', servers, '--record-size', '10', ...words.split(' ')],
});
const consumer = (words, more = {}) => ({
  name: `console-consumer ${words}`,
  tool: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  args: (servers) => ['--bootstrap-server', servers, ...words.split(' ')],
  ...more,
});

/** Killed when the step ends: its transaction stays open. */
const unfinished = performance(
  '--topic stuck --num-records 100000 --throughput 10 --transactional-id unfinished --transaction-duration-ms 600000 ' +
    '--command-property transaction.timeout.ms=700000 linger.ms=0',
);
const begun = { ...transactions('list'), ready: ({ stdout }) => /unfinished\s.*Ongoing/.test(stdout) };
/** What a partition knows of its producers; whether the tool waits for the marker is not said. */
const producers = (partition, more = {}) =>
  transactions(`describe-producers --topic ${partition} --partition 0`, { hide: [[/\d+/g, 'N']], ...more });

export const transactionsScenario = [
  topic('--create --topic paid --partitions 1'),
  topic('--create --topic stuck --partitions 1'),
  transactions('list', { name: 'transactions list, without any' }),
  {
    name: 'producer-perf-test with transactions',
    ...performance(
      '--topic paid --num-records 60 --throughput 100 --transactional-id finished --transaction-duration-ms 150',
    ),
    hide: [[/\d+(\.\d+)?/g, 'N']],
    keep: /^exit|records sent/,
  },
  consumer('--topic paid --from-beginning --max-messages 60 --isolation-level read_committed'),
  transactions('list'),
  transactions('describe --transactional-id finished', { hide: [[/\d+/g, 'N']] }),
  transactions('list', {
    name: 'transactions list, one of them open',
    beside: [unfinished],
    until: begun,
    sort: true,
  }),
  transactions('list --duration-filter 1', { sort: true }),
  transactions('list --duration-filter 600000'),
  transactions('list --transactional-id-pattern un.*'),
  transactions('list --transactional-id-pattern (', fails),
  transactions('describe --transactional-id unfinished', { hide: [[/\d+/g, 'N']] }),
  transactions('describe --transactional-id nobody', fails),
  producers('stuck'),
  producers('paid'),
  transactions('describe-producers --topic stuck --partition 5', fails),
  consumer('--topic stuck --from-beginning --isolation-level read_committed --timeout-ms 1500', {
    name: 'console-consumer of an open transaction',
    keep: /^exit|Processed/,
  }),
  transactions('find-hanging --broker-id 1'),
  transactions('find-hanging --broker-id 1 --max-transaction-timeout 0'),
  transactions('find-hanging --topic stuck --partition 0 --max-transaction-timeout 0'),
  transactions('abort --topic stuck --partition 0 --start-offset 7', fails),
  transactions('abort --topic stuck --partition 0 --start-offset 0'),
  producers('stuck', { name: 'transactions describe-producers after the abort' }),
  transactions('abort --topic stuck --partition 0 --start-offset 0', {
    name: 'transactions abort again',
    ...fails,
  }),
  transactions('forceTerminateTransaction --transactionalId unfinished'),
  transactions('list', { name: 'transactions list at the end', sort: true, tries: 10, ready: ended }),
];

function ended({ stdout }) {
  return /unfinished\s.*CompleteAbort/.test(stdout);
}
