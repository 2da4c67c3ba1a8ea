import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type INestApplication, Injectable } from '@nestjs/common';
import { type DeadLetter, DeadLetters, KafkaListener, Payload, RetryableTopic } from '../../../../src/index.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';
import { until } from '../../../../src/testing/until.js';
import { startOnBroker } from '../../../support/broker-app.js';

const MAIN = join(process.cwd(), 'dist/esm/cli/main.js');

let kafka: EmbeddedKafka;
let app: INestApplication;
let letters: DeadLetters;
let isCured = false;
const handled: string[] = [];

class OutOfStock extends Error {
  override readonly name = 'OutOfStock';
}

@Injectable()
class Orders {
  @RetryableTopic({ attempts: 2, backOff: { delay: 1 } })
  @KafkaListener({ topics: 'orders', groupId: 'billing' })
  handle(@Payload() { name }: { name: string }) {
    if (isCured) return void handled.push(name);
    throw name.startsWith('stock') ? new OutOfStock(`no ${name} left`) : new TypeError(`bad ${name}`);
  }
}

function order(name: string, tenant: string) {
  return {
    key: Buffer.from(name),
    value: Buffer.from(JSON.stringify({ name })),
    headers: [{ key: 'tenant', value: Buffer.from(tenant) }],
  };
}

const names = (found: readonly DeadLetter[]) => found.map(({ key }) => key!.toString());

beforeAll(async () => {
  kafka = await EmbeddedKafka.start({ topics: { orders: 2 } });
  ({ app } = await startOnBroker(kafka, { providers: [Orders] }));
  letters = app.get(DeadLetters);
  await kafka.produce('orders', 0, [order('stock-1', 'acme'), order('type-1', 'acme')]);
  await kafka.produce('orders', 1, [order('stock-2', 'beta'), order('stock-3', 'acme'), order('type-2', 'beta')]);
  await kafka.untilRecords('orders-dlt', 5);
});
afterAll(async () => {
  await app.close();
  await kafka.stop();
});

describe('DeadLetters', () => {
  it('lists what is there, with its story, and filters', async () => {
    const all = await letters.list();
    expect(names(all).sort()).toEqual(['stock-1', 'stock-2', 'stock-3', 'type-1', 'type-2']);
    const [first] = await letters.list({ key: 'stock-1' });
    expect(first).toMatchObject({
      id: 'orders-dlt-0@0',
      state: 'waiting',
      original: { topic: 'orders', partition: 0, offset: 0, consumerGroup: 'billing' },
      exception: { name: 'OutOfStock', message: 'no stock-1 left' },
      attempts: 2,
    });
    const of = async (filter: Parameters<DeadLetters['list']>[0]) => names(await letters.list(filter)).sort();
    expect(await of({ exception: 'TypeError' })).toEqual(['type-1', 'type-2']);
    expect(await of({ exception: 'com.acme.OutOfStock' })).toEqual([]);
    expect(await of({ exception: 'stock-3 left' })).toEqual(['stock-3']);
    expect(await of({ header: { name: 'tenant', value: 'beta' }, group: 'billing' })).toEqual(['stock-2', 'type-2']);
    expect(await of({ since: first!.timestamp + 3_600_000 })).toEqual([]);
    expect(await of({ until: first!.timestamp })).toEqual([]);
    expect(await of({ originalTopics: ['payments'] })).toEqual([]);
    expect([...(await letters.count())]).toEqual([['orders-dlt', 5]]);
    await expect(letters.list({ topics: ['nowhere'] })).rejects.toThrow('there is no topic nowhere');
    await expect(letters.show('orders-dlt-0@99')).rejects.toThrow('there is no dead letter');
    await expect(letters.show('nonsense')).rejects.toThrow('no id of a dead letter');
  });

  it('replays each once, also when two do so at the same time, to the topic or to the group alone', async () => {
    isCured = true;
    const id = (await letters.list({ key: 'type-1' }))[0]!.id;
    const reports = await Promise.all([letters.replay([id]), letters.replay([id])]);
    expect(reports.map(({ replayed }) => replayed).sort((a, b) => a - b)).toEqual([0, 1]);
    expect(await letters.replay([id])).toEqual({ replayed: 0, skipped: 1 });
    await until(() => handled.includes('type-1'), { what: 'the replayed record' });
    const again = (await kafka.records('orders')).at(2)!;
    expect(again.partition).toBe(0);
    expect(again.headers.map(({ key }) => key)).toEqual(['tenant', 'nestdaw_replay-of']);
    expect((await letters.show(id)).state).toBe('replayed');

    const before = (await kafka.records('orders')).length;
    expect(await letters.replay({ exception: 'OutOfStock' }, { to: 'listener', rate: 200 })).toMatchObject({
      replayed: 3,
    });
    await until(() => handled.length === 4, { what: 'the others' });
    expect(handled.sort()).toEqual(['stock-1', 'stock-2', 'stock-3', 'type-1']);
    expect((await kafka.records('orders')).length).toBe(before);
    expect(names(await letters.list())).toEqual(['type-2']);
  });

  it('drops for good, unless somebody says again', async () => {
    expect(await letters.drop({ key: 'type-2' })).toBe(1);
    expect(await letters.list()).toEqual([]);
    const [dropped] = await letters.list({ states: ['dropped'] });
    expect(await letters.replay([dropped!.id])).toEqual({ replayed: 0, skipped: 1 });
    expect(await letters.replay([dropped!.id], { again: true, to: { topic: 'elsewhere' } })).toMatchObject({
      replayed: 1,
    });
    expect(await kafka.untilRecords('elsewhere', 1)).toHaveLength(1);
    // By a filter, too: those that were replayed, and none that was not meant.
    expect(await letters.replay({ exception: 'OutOfStock' }, { to: { topic: 'elsewhere' } })).toMatchObject({
      replayed: 0,
    });
    const again = { again: true, to: { topic: 'elsewhere' } };
    expect(await letters.replay({ exception: 'OutOfStock' }, again)).toMatchObject({ replayed: 3 });
    expect(await kafka.untilRecords('elsewhere', 4)).toHaveLength(4);
  });

  it('gives the oldest of many, and holds no more of them than it has to', async () => {
    const dead = (n: number) => ({ key: Buffer.from(`many-${n}`), value: null, headers: [], timestamp: 2_000_000 - n });
    await kafka.createTopic('many-dlt', 2);
    for (const partition of [0, 1]) {
      const some = Array.from({ length: 2_500 }, (_, n) => dead(2 * n + partition));
      await kafka.produce('many-dlt', partition, some);
    }
    const found = await letters.list({ topics: ['many-dlt'] }, 3);
    expect(names(found)).toEqual(['many-4999', 'many-4998', 'many-4997']);
    expect([...(await letters.count({ topics: ['many-dlt'] }))]).toEqual([['many-dlt', 5_000]]);
  });
});

describe('nestdaw dlt', () => {
  const run = async (...args: string[]) => {
    const servers = ['-b', kafka.bootstrapServers];
    return (await promisify(execFile)(process.execPath, [MAIN, 'dlt', ...args, ...servers], { encoding: 'utf8' }))
      .stdout;
  };

  it('lists, shows, replays and drops', async () => {
    await kafka.createTopic('cards-dlt', 1);
    const headers = [
      { key: 'kafka_dlt-original-topic', value: Buffer.from('cards') },
      { key: 'kafka_dlt-exception-fqcn', value: Buffer.from('org.acme.ListenerFailed') },
      { key: 'kafka_dlt-exception-cause-fqcn', value: Buffer.from('org.acme.CardRefused') },
      { key: 'kafka_dlt-exception-message', value: Buffer.from('over the limit') },
      { key: 'kafka_dlt-exception-stacktrace', value: Buffer.from('at Card.java:7') },
    ];
    const letter = { key: Buffer.from('ada'), value: Buffer.from('{"card":1}'), headers };
    await kafka.produce('cards-dlt', 0, [letter, letter, { ...letter, value: Buffer.from([0, 255]) }]);
    const table = await run('list', '-t', 'cards-dlt', '-n', '2');
    expect(table.split('\n')[0]).toMatch(/^TIME +ID +KEY +ERROR +MESSAGE$/);
    expect(table).toMatch(/cards-dlt-0@0 +ada +CardRefused +over the limit/);
    expect(table).toContain('3 dead letters, 1 not shown (--limit).');
    const page = await run('show', 'cards-dlt-0@0');
    for (const part of ['caused by org.acme.CardRefused', '"card": 1', 'at Card.java:7']) expect(page).toContain(part);
    expect(await run('show', 'cards-dlt-0@2', '--json')).toContain('"value": "base64:AP8="');
    expect(await run('replay', 'cards-dlt-0@0', '--dry-run')).toContain('1 would be replayed.');
    expect(await run('replay', 'cards-dlt-0@0', '--to', 'cards-again')).toMatch(
      /cards-dlt-0@0 → cards-again-0@0\n1 replayed\.\n/,
    );
    expect(await run('drop', '-e', 'CardRefused')).toBe('2 dropped.\n');
    expect(await run('list', '-t', 'cards-dlt')).toBe('No dead letters.\n');
    expect(await run('list', '-t', 'cards-dlt', '--all')).toMatch(/cards-dlt-0@0 +replayed/);
    expect(await run('replay', '-t', 'cards-dlt', '--dry-run')).toContain('0 would be replayed.');
    expect(await run('replay', 'cards-dlt-0@0', '--dry-run')).toContain('0 would be replayed.');
    expect(await run('replay', '-t', 'cards-dlt', '--again', '--dry-run')).toContain('3 would be replayed.');
  }, 30_000);

  const dlt = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'dlt', ...args], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    });
    return { status, stdout, stderr };
  };

  it('tells what it does, and never does everything by a slip', () => {
    expect(dlt('--help').stdout).toContain('nestdaw dlt replay --exception TimeoutError --rate 50');
    const slip = dlt('replay', '-b', '127.0.0.1:1');
    expect([slip.status, slip.stderr]).toEqual([1, expect.stringContaining('Give ids or filters, or --everything')]);
    expect(dlt('list', '--since', 'soon').stderr).toContain('Give a duration such as 2h');
  });
});
