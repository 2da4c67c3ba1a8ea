// Retry topics and dead letters of a Spring application and of ours, each read by the other. Arguments: servers, topic,
// whether there are transactions (ignored), class path of Java, folder of the build.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const [servers, topic, , classPath, root] = process.argv.slice(2);
const require = createRequire(`${root}/package.json`);
require('reflect-metadata');
const { Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { DeadLetters, KafkaListenerRegistrar, KafkaModule, KafkaTemplate } = await import(`${root}/dist/esm/index.js`);

const theirs = `${topic}-theirs`;
const ours = `${topic}-ours`;

class Application {}
Module({
  imports: [
    KafkaModule.forRoot({
      cwd: '/nowhere',
      env: {},
      argv: [],
      properties: { 'kafka.bootstrap-servers': servers, 'kafka.consumer.auto-offset-reset': 'earliest' },
    }),
  ],
})(Application);
const app = await NestFactory.createApplicationContext(Application, { logger: ['error'] });
const registrar = app.get(KafkaListenerRegistrar);
const template = app.get(KafkaTemplate);

const retried = [];
const retryable = { attempts: 2, backOff: { delay: 400 }, numPartitions: 2 };
const headerOf = ({ headers }, name) => headers.findLast(({ key }) => key === name)?.value;

// Ours fails in its main topic and in its retry topic, so the record ends in the dead-letter topic.
await registrar.register({
  id: 'node-fails',
  topics: ours,
  retryable,
  handler: (_value, { record }) => {
    throw new RangeError(`node says no to ${record.value}`);
  },
  dltHandler: () => undefined,
});
// What Spring retries in its topic is retried here as well; in the main topic nothing is wrong with it.
await registrar.register({
  id: 'node-takes',
  topics: theirs,
  retryable,
  handler: (_value, { record }) => {
    const attempts = headerOf(record, 'retry_topic-attempts');
    if (attempts === undefined) return;
    const due = Number(BigInt(`0x${headerOf(record, 'retry_topic-backoff-timestamp').toString('hex')}`));
    retried.push({ attempts: attempts.readInt32BE(), isEarly: Date.now() < due, partition: record.partition });
  },
  dltHandler: () => undefined,
});

const spring = spawn('java', ['-Xmx256m', '-cp', classPath, 'Retries', servers, theirs, ours], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const said = [];
createInterface({ input: spring.stdout }).on('line', (line) => said.push(line));
const until = async (what, look) => {
  for (let tries = 0; tries < 600; tries++) {
    const found = await look();
    if (found) return found;
    if (spring.exitCode !== null) throw new Error(`Spring ended with ${spring.exitCode} before: ${what}`);
    await sleep(100);
  }
  throw new Error(`not seen: ${what}; Spring said ${JSON.stringify(said)}`);
};

try {
  await until('ready', () => said.includes('ready'));
  await template.send({ topic: theirs, partition: 1, key: 'k', value: '71' });
  await template.send({ topic: ours, partition: 1, key: 'k', value: '82' });

  await until("Spring's dead letter in Spring", () => said.includes('spring-dead-letter 71'));
  await until("Spring's retry here", () => retried.length > 0);
  assert.deepEqual(retried[0], { attempts: 2, isEarly: false, partition: 1 });
  const letters = app.get(DeadLetters);
  const [letter] = await until("Spring's dead letter here", async () => {
    const found = await letters.list({ topics: [`${theirs}-dlt`] });
    return found.length > 0 && found;
  });
  assert.equal(letter.partition, 1);
  assert.deepEqual(
    { ...letter.original, timestamp: 0 },
    { topic: theirs, partition: 1, offset: 0, timestamp: 0, consumerGroup: 'spring-fails' },
  );
  assert.match(letter.exception.name, /ListenerExecutionFailedException$/);
  assert.equal(letter.exception.cause, 'java.lang.IllegalStateException');
  assert.match(letter.exception.message, /spring says no to 71/);
  assert.equal(letter.attempts, 2);

  await until('our retry in Spring', () => said.find((line) => line.startsWith('spring-retried 82')));
  assert.ok(said.includes('spring-retried 82 attempt 2 partition 1 in time'), said.join('\n'));
  const line = await until('our dead letter in Spring', () => said.find((one) => one.startsWith('spring-letter')));
  assert.equal(line, `spring-letter ${ours}-1@0 CreateTime node-fails RangeError: node says no to 82`);
  console.log(
    'spring-kafka 4.0.0: retries and dead letters of each side read by the other, headers, partitions, due times',
  );
} finally {
  spring.stdin.end();
  await app.close();
}
