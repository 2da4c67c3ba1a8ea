import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import kafkajs from 'kafkajs';
import { type Finding } from '../../src/cli/doctor/finding.js';
import { type ClientBroker, createTopic, startClientBroker } from '../support/client-broker.js';
import { Program } from '../support/program.js';

// `nestdaw doctor` and bad topics, on our broker, where copies are nobody's business, or on Apache Kafka, where they
// are.

const MAIN = join(process.cwd(), 'dist/esm/cli/main.js');
const RECORDS = 1_200;

let broker: ClientBroker;
let equal: string;
let above: string;
let unclean: string;
let small: string;
let skewed: string;

beforeAll(async () => {
  broker = await startClientBroker();
  const { address } = broker;
  const least = 'min.insync.replicas';
  equal = await createTopic(address, 1, { [least]: '1' });
  above = await createTopic(address, 1, { [least]: '2' });
  unclean = await createTopic(address, 1, { [least]: '2', 'unclean.leader.election.enable': 'true' });
  small = await createTopic(address, 1, { [least]: '1', 'max.message.bytes': '1000' });
  skewed = await createTopic(address, 3, { [least]: '1' });
  const kafka = new kafkajs.Kafka({ brokers: [address], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  const messages = Array.from({ length: RECORDS }, (_, at) => ({ value: 'v', partition: at % 10 === 0 ? 0 : 1 }));
  await producer.send({ topic: skewed, messages });
  await producer.disconnect();
});
afterAll(() => broker.stop());

interface Check {
  readonly id: string;
  readonly verdict: string;
  readonly findings: readonly Finding[];
}

async function doctor(...words: string[]) {
  const topics = ['-t', equal, above, unclean, small, skewed];
  const args = [MAIN, 'doctor', ...words, '-b', broker.address, '--json', ...topics];
  const program = new Program({ name: 'nestdaw', args, options: { cwd: tmpdir() } }).start();
  const status = await program.ended;
  const { connections } = JSON.parse(program.output) as { connections: Array<{ cluster: object; checks: Check[] }> };
  const { cluster, checks } = connections[0]!;
  const found = new Map(checks.map((check) => [check.id, check]));
  return { status, cluster, of: (id: string) => found.get(id)! };
}

/** Topics that a check does not find well. */
function topicsOf({ findings }: Check): string[] {
  const bad = findings.filter(({ verdict }) => verdict === 'fail' || verdict === 'risk');
  return bad.flatMap(({ subject }) => (subject?.kind === 'topic' ? [subject.name] : [])).sort();
}

describe('nestdaw doctor on a cluster', () => {
  it('names the topics that a failing node takes records from, where there can be other nodes', async () => {
    const { status, cluster, of } = await doctor('loss');
    const ids = ['unclean-election', 'replication-factor', 'min-insync', 'spare-copy'];
    const all = [equal, above, unclean, small, skewed].sort();
    const seen = ids.map((id) => ({ id, verdict: of(id).verdict, topics: topicsOf(of(id)) }));
    const verdict = broker.isApacheKafka ? 'fail' : 'not on one node';
    const where = (topics: string[]) => (broker.isApacheKafka ? topics.sort() : []);
    expect(seen).toEqual([
      { id: 'unclean-election', verdict, topics: where([unclean]) },
      { id: 'replication-factor', verdict, topics: where(all) },
      { id: 'min-insync', verdict, topics: where([equal, small, skewed]) },
      { id: 'spare-copy', verdict, topics: where(all) },
    ]);
    expect(cluster).toMatchObject({ oneNodeOnPurpose: !broker.isApacheKafka });
    expect(status).toBe(broker.isApacheKafka ? 1 : 0);
    const findingOf = (id: string, topic: string) => of(id).findings.find(({ subject }) => subject?.name === topic);
    const told = [
      findingOf('spare-copy', equal)?.says,
      findingOf('spare-copy', above)?.says,
      findingOf('unclean-election', unclean)?.origin,
    ];
    expect(told).toEqual(
      broker.isApacheKafka
        ? [
            'equal to min.insync.replicas=1: one failure stops it',
            'less than min.insync.replicas=2: there are not so many copies',
            'set for the topic',
          ]
        : [undefined, undefined, undefined],
    );
  });

  it('compares the sizes of the chain, by key and topic', async () => {
    const { status, of } = await doctor('sizes');
    expect(topicsOf(of('sizes'))).toEqual([small]);
    const keys = of('sizes').findings.map(({ key }) => key);
    for (const key of ['max.request.size', 'max.partition.fetch.bytes']) {
      expect(keys.some((one) => one?.endsWith(key))).toBe(true);
    }
    for (const key of ['message.max.bytes', 'replica.fetch.max.bytes', 'fetch.max.bytes', 'max.message.bytes']) {
      expect(keys).toContain(key);
    }
    expect(of('sizes').findings).toContainEqual(
      expect.objectContaining({
        verdict: 'fail',
        key: 'max.message.bytes',
        value: '1000',
        says: 'less than kafka.producer.properties.max.request.size=1MB (default): refuses what is larger',
      }),
    );
    expect(status).toBe(1);
  });

  it('sees how partitions share the records, who leads them, and where they lie', async () => {
    const { of } = await doctor('in-sync', 'partition-share', 'data-folder');
    expect(of('partition-share').findings).toEqual([
      {
        verdict: 'risk',
        subject: { kind: 'topic', name: skewed },
        says: `partition 1 has 90 % of ${RECORDS} offsets`,
      },
    ]);
    expect(of('in-sync').verdict).toBe('pass');
    expect(of('in-sync').findings).toHaveLength(5);
    // Ours has its logs in memory here: there is no such directory. Apache Kafka's may be on this machine.
    const [folder] = of('data-folder').findings;
    expect(folder).toMatchObject({
      verdict: broker.isApacheKafka ? folder?.verdict : 'not known',
      key: 'log.dirs',
      value: expect.stringMatching(/^\//),
    });
  });
});
