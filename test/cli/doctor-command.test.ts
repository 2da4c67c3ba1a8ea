import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Broker } from '../../src/broker/broker.js';
import { CHECKS } from '../../src/cli/doctor/checks.js';
import { dangerOf } from '../../src/cli/doctor/file-systems.js';
import { keepAddress } from '../../src/embedded/kept-address.js';
import { createTopicNamed } from '../support/client-broker.js';
import { file, folderWith } from '../support/config-folder.js';
import { Program } from '../support/program.js';

// `nestdaw doctor` in the folder of an application with a broker beside it, as docs/doctor.md shows it.

const MAIN = join(process.cwd(), 'dist/esm/cli/main.js');
const PAGE = readFileSync('docs/doctor.md', 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'nestdaw-doctor-'));
const dataDir = join(folder, '.nestdaw/data');
let broker: Broker;
let address: string;

beforeAll(async () => {
  const [, lines] = /```properties\n(.*?)\n```/s.exec(PAGE)!;
  writeFileSync(join(folder, 'application.properties'), lines!);
  broker = await Broker.start({ port: 0, dataDir });
  address = broker.bootstrapServers;
  const [host, port] = address.split(':');
  keepAddress(dataDir, { host: host!, port: Number(port), pid: process.pid });
  await createTopicNamed(address, 'orders', 3);
  await createTopicNamed(address, 'payments', 1, { 'max.message.bytes': '65536' });
});
afterAll(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

async function doctor(args: readonly string[], cwd = folder) {
  const env = { PATH: process.env.PATH };
  const program = new Program({ name: 'nestdaw', args: [MAIN, 'doctor', ...args], options: { cwd, env } }).start();
  const status = await program.ended;
  return { status, output: program.output.trimEnd() };
}

interface Told {
  readonly failed: number;
  readonly connections: ReadonlyArray<{
    readonly cluster: object;
    readonly checks: ReadonlyArray<{
      readonly id: string;
      readonly verdict: string;
      readonly findings: readonly object[];
    }>;
  }>;
}

describe('nestdaw doctor', () => {
  it('finds the broker beside the application, and prints what its page shows', async () => {
    const { status, output } = await doctor(['loss', 'sizes']);
    const shown = output
      .replaceAll(address, '127.0.0.1:9092')
      .replaceAll(folder, '/srv/shop')
      .replace(/(?<=# cluster )\S+/, 'Uu5lT2PKRy6Vd5Uy0_wVxw');
    expect(`\n${PAGE}`).toContain(`\n$ nestdaw doctor loss sizes\n${shown}\n\`\`\`\n`);
    expect(status).toBe(1);
  });

  it('tells programs everything, and does not count what may fail', async () => {
    const { status, output } = await doctor(['--json', '--accept', 'sizes']);
    const { failed, connections } = JSON.parse(output) as Told;
    expect([status, failed]).toEqual([0, 0]);
    const [{ cluster, checks }] = connections as [Told['connections'][number]];
    expect(cluster).toMatchObject({ servers: [address], oneNodeOnPurpose: true, nodes: [{ nodeId: 1, address }] });
    expect(checks.map(({ id }) => id)).toEqual(CHECKS.map(({ id }) => id));
    const of = (id: string) => checks.find((check) => check.id === id)!;
    expect(of('sizes')).toMatchObject({ verdict: 'fail', accepted: true });
    expect(of('acks').findings).toEqual([
      {
        verdict: 'risk',
        key: 'kafka.producer.acks',
        value: '1',
        origin: 'application.properties:2:21',
        says: 'acknowledged by the leader alone: lost if it dies before the others copied',
      },
    ]);
    expect(of('replication-factor').findings).toEqual([
      { verdict: 'not on one node', says: `one copy: back up this directory ${dataDir}` },
    ]);
    const seen = process.platform === 'linux';
    const danger = dangerOf(statfsSync(dataDir).type);
    expect(of('data-folder').findings).toEqual([
      {
        verdict: !seen ? 'not known' : danger === undefined ? 'pass' : 'risk',
        subject: { kind: 'node', name: '1' },
        key: 'log.dirs',
        value: dataDir,
        origin: 'told by the broker',
        says: expect.stringMatching(/^one copy: back up this directory; ./),
      },
    ]);
  });

  it('fails where nobody answers, and judges the configuration all the same', async () => {
    const files = file(
      'kafka.bootstrap-servers=127.0.0.1:1',
      'kafka.admin.operation-timeout=1ms',
      'kafka.producer.acks=0',
    );
    const { status, output } = await doctor([], folderWith(files));
    expect(status).toBe(1);
    expect(output).toMatch(/^# no cluster$/m);
    expect(output).toMatch(
      /^ +kafka\.bootstrap-servers=127\.0\.0\.1:1 \(application\.properties:1:25\): .+ECONNREFUSED/m,
    );
    expect(output).toMatch(/^FAIL +acks: /m);
    expect(output).toMatch(/^not known +sizes: /m);
    expect(output).toMatch(/^16 checks, 3 failed, 1 at risk, 8 not known\.$/m);
  });

  it('lists the mistakes of the configuration, those of named producers too, and asks nobody', async () => {
    const files = file(
      'kafka.producers.bulk.aks=1',
      'kafka.producer.on-delivery-failur=stop',
      'kafka.ssl.key-pasword=hunter2',
      'kafka.bootstrap-servers=127.0.0.1:1',
    );
    const { status, output } = await doctor([], folderWith(files));
    expect(status).toBe(1);
    expect(output).toContain(
      'application.properties:1:26: kafka.producers.bulk.aks=1: is no key of a producer; did you mean acks?',
    );
    expect(output).toContain('application.properties:2:35: kafka.producer.on-delivery-failur=stop: unknown key');
    expect(output).not.toContain('hunter2');
    expect(output).toMatch(/^16 checks, 1 failed, 0 at risk, 15 not known\.$/m);
  });

  it('looks at every connection, or at one, as arguments and files say', async () => {
    const files = { 'other.properties': `kafka.bootstrap-servers=${address}\nkafka.audit.producer.acks=0` };
    const where = folderWith(files);
    const all = ['acks', '-f', 'other.properties', '--', `--kafka.audit.bootstrap-servers=${address}`];
    const both = await doctor(all, where);
    expect(both.output.match(/^# .+ at \S+|^\w+ +acks/gm)).toEqual([
      expect.stringMatching(`^# connection default: cluster \\S+ at ${address}:$`),
      'pass             acks',
      expect.stringMatching(`^# connection audit: cluster \\S+ at ${address}:$`),
      'FAIL             acks',
    ]);
    expect(both.output).toContain('kafka.audit.producer.acks=0 (other.properties:2:27)');
    expect(both.status).toBe(1);
    const one = await doctor(['--connection', 'default', ...all], where);
    expect(one.status).toBe(0);
    expect(one.output).not.toContain('audit');
  });

  it('refuses words that no check is called by, and topics that are not there', async () => {
    const words = await doctor(['aks']);
    expect(words).toMatchObject({
      status: 1,
      output: expect.stringMatching(/no check is called aks; there are: configuration, /),
    });
    const accept = await doctor(['--accept', 'aks']);
    expect(accept).toMatchObject({ status: 1, output: expect.stringContaining('no check is called aks') });
    const topics = await doctor(['basis', '-t', 'orders', 'ordrs']);
    expect(topics.output).toContain('topic ordrs: there is no such topic');
    expect(topics.output).toContain('one node, topics looked at: 1');
    expect(topics.status).toBe(1);
  });
});

describe('docs/doctor.md', () => {
  it.each(CHECKS.map(({ id, question }) => [id, question]))('names the check %s with its question', (id, question) => {
    expect(PAGE).toContain(`| \`${id}\` | ${question} |`);
  });
});
