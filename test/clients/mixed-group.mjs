// Members of ours and Java members in one group, by every strategy that both know: all partitions are owned once, all
// records read, a rebalance by cooperative-sticky leaves alone what stays.
//
//   node mixed-group.mjs <class path> <servers> <topic> <transactions>
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const [classPath, servers, topic] = process.argv.slice(2);
const from = (path) => import(new URL(`../../dist/esm/${path}`, import.meta.url).href);
const { KafkajsCluster } = await from('runtime/client/cluster/kafkajs-cluster.js');
const { GroupConsumer } = await from('runtime/client/consumer/group-consumer.js');
const { KafkaProducer } = await from('runtime/client/producer/kafka-producer.js');
const { CreateTopics } = await from('protocol/messages/index.js');

const PARTITIONS = 6;
const PATIENCE_MS = 40_000;
const STRATEGIES = [
  ['range', 'RangeAssignor'],
  ['roundrobin', 'RoundRobinAssignor'],
  ['sticky', 'StickyAssignor'],
  ['cooperative-sticky', 'CooperativeStickyAssignor'],
  // Half of the way from eager to cooperative.
  ['cooperative-sticky', 'CooperativeStickyAssignor,RangeAssignor'],
];

const open = () => new KafkajsCluster({ bootstrapServers: [servers], clientId: 'mixed-group' });

async function until(what, holds) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what()}`);
    await sleep(20);
  }
}

/** A member of ours with the few things that the test asks of it. */
class OurMember {
  owned = new Set();
  records = [];
  log = [];
  #isOver = false;

  constructor(name, groupId, strategy) {
    this.consumer = new GroupConsumer({
      groupId,
      topics: [name],
      createCluster: open,
      autoOffsetReset: 'earliest',
      heartbeatIntervalMs: 500,
      partitionAssignmentStrategy: [strategy],
    });
  }

  async start() {
    await this.consumer.start({
      onAssigned: (added, kept) => {
        this.owned = new Set([...added, ...kept].map(({ partition }) => partition));
        this.log.push(`assigned ${added.length} kept ${kept.length}`);
      },
      onRevoked: (gone) => {
        for (const { partition } of gone) this.owned.delete(partition);
        this.log.push(`revoked ${gone.length}`);
      },
      onLost: (gone) => {
        this.owned.clear();
        this.log.push(`lost ${gone.length}`);
      },
    });
    this.loop = this.#read();
  }

  async #read() {
    while (!this.#isOver) {
      const polled = await this.consumer.poll({ maxRecords: 500, maxWaitMs: 1_000 }).catch((error) => {
        if (!this.#isOver) throw error;
        return [];
      });
      for (const { records } of polled) this.records.push(...records.map(({ value }) => String(value)));
      const offsets = polled.map(({ topic: name, partition, nextOffset }) => ({
        topic: name,
        partition,
        offset: nextOffset,
      }));
      if (offsets.length > 0) await this.consumer.commit(offsets).catch((error) => this.log.push(error.message));
    }
  }

  async stop() {
    this.#isOver = true;
    await this.consumer.stop();
    await this.loop;
  }
}

class JavaMember {
  owned = new Set();
  records = [];
  log = [];

  start(name, groupId, classes) {
    this.child = spawn('java', ['-Xmx128m', '-cp', classPath, 'Member', servers, name, groupId, classes], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
    // Kafka logs to the error stream; only an end before its time is worth telling.
    let errors = '';
    this.child.stderr.on('data', (chunk) => (errors = `${errors}${chunk}`.slice(-4_000)));
    void this.ended.then((code) => code !== 0 && console.error(`a Java member ended with ${code}: ${errors}`));
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const [what, rest = ''] = line.split(' ');
      if (what === 'record') return this.records.push(rest);
      this.log.push(line);
      for (const partition of rest.split(',').filter(Boolean).map(Number)) {
        if (what === 'assigned') this.owned.add(partition);
        if (what === 'revoked' || what === 'lost') this.owned.delete(partition);
      }
    });
  }

  async stop() {
    this.child.stdin.end('\n');
    await this.ended;
  }
}

async function createTopic(name) {
  const cluster = open();
  await cluster.connect();
  await cluster.send(cluster.nodes()[0].nodeId, CreateTopics, 5, {
    topics: [{ name, numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
    validateOnly: false,
  });
  await cluster.close();
}

async function share(strategy, classes, number) {
  const name = `${topic}-${number}`;
  const groupId = `${name}-group`;
  await createTopic(name);
  const producer = new KafkaProducer({ cluster: open(), options: { lingerMs: 0 } });
  await producer.start();
  const ours = [new OurMember(name, groupId, strategy), new OurMember(name, groupId, strategy)];
  const java = new JavaMember();
  await ours[0].start();
  java.start(name, groupId, classes);
  const sent = [];
  const send = async (count) => {
    for (let i = 0; i < count; i++) {
      const value = `r${sent.length}`;
      sent.push(value);
      await producer.send(name, sent.length % PARTITIONS, { key: null, value: Buffer.from(value) });
    }
  };
  const state = (members) => () => JSON.stringify(members.map((member) => [[...member.owned], ...member.log]));
  const even = async (members) => {
    const each = PARTITIONS / members.length;
    await until(state(members), () => {
      const all = members.flatMap(({ owned }) => [...owned]);
      return members.every(({ owned }) => owned.size === each) && new Set(all).size === PARTITIONS;
    });
  };
  await send(60);
  await even([ours[0], java]);
  await send(60);
  await ours[1].start();
  await even([...ours, java]);
  await send(60);
  const members = [...ours, java];
  const seen = () => new Set(members.flatMap(({ records }) => records));
  await until(
    () => `${seen().size} of ${sent.length} records`,
    () => seen().size === sent.length,
  );
  if (strategy === 'cooperative-sticky' && classes === 'CooperativeStickyAssignor') {
    // The first member went from six to three to two: one partition of it each time was nobody else's business.
    const revoked = ours[0].log.filter((line) => line.startsWith('revoked')).map((line) => Number(line.split(' ')[1]));
    if (revoked.reduce((sum, count) => sum + count, 0) !== 4)
      throw new Error(`gave up ${revoked.join()}: ${ours[0].log.join()}`);
  }
  const lost = members.flatMap(({ log }) => log.filter((line) => line.startsWith('lost')));
  if (lost.length > 0) throw new Error(`${strategy}: ${lost.join()}`);
  await java.stop();
  await even(ours);
  await Promise.all(ours.map((member) => member.stop()));
  await producer.stop();
  return sent.length;
}

const counts = await Promise.all(STRATEGIES.map(([ours, java], i) => share(ours, java, i)));
const total = counts.reduce((sum, count) => sum + count, 0);
console.log(
  `mixed group: ours and Java in ${STRATEGIES.length} groups (${STRATEGIES.map(([, java]) => java).join(' · ')}), ` +
    `${total} records read, every partition owned once`,
);
