import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { type KafkaRecord } from '../../../../src/common/record.js';
import {
  type ContainerEvent,
  ContainerRegistry,
  KafkaListener,
  KafkaModule,
  KafkaTemplate,
  SequenceGuard,
} from '../../../../src/index.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';

let kafka: EmbeddedKafka;
let app: INestApplicationContext | undefined;
beforeEach(async () => {
  kafka = await EmbeddedKafka.start({ topics: { orders: 2, copy: 2 } });
});
afterEach(async () => {
  await app?.close();
  await kafka.stop();
});

@Injectable()
class Billing {
  readonly seen: string[] = [];

  @KafkaListener({ topics: 'copy', groupId: 'billing' })
  @SequenceGuard()
  pay(order: string): void {
    this.seen.push(order);
  }
}

async function start(properties: Record<string, string>) {
  const module = await Test.createTestingModule({
    imports: [
      KafkaModule.forRoot({ properties: { ...kafka.properties(), ...properties }, cwd: '/nowhere', env: {}, argv: [] }),
    ],
    providers: [Billing],
  }).compile();
  module.useLogger(false);
  app = await module.init();
  return app;
}

const headerOf = ({ headers }: KafkaRecord, name: string) =>
  headers.filter(({ key }) => key === name).map(({ value }) => value!.toString());

describe('stamps of the template', () => {
  it('gives each record an id, and a number within its partition', async () => {
    await start({
      'kafka.template.message-id-header': 'message-id',
      'kafka.template.sequence-id-header': 'sequence-id',
    });
    const template = app!.get(KafkaTemplate);
    await Promise.all(Array.from({ length: 20 }, (_, at) => template.send('orders', `key-${at}`, `order ${at}`)));
    await template.send({ topic: 'orders', partition: 0, value: 'own', headers: { 'message-id': 'mine' } });
    const records = await kafka.records('orders');
    const ids = records.flatMap((record) => headerOf(record, 'message-id'));
    expect(new Set(ids).size).toBe(21);
    expect(ids).toContain('mine');
    for (const partition of [0, 1]) {
      const numbers = records
        .filter((record) => record.partition === partition)
        .map((record) => Number(headerOf(record, 'sequence-id')[0]!.split(':')[1]));
      expect(numbers).toEqual([...numbers.keys()]);
    }
  });

  it('leaves records alone unless told otherwise', async () => {
    await start({});
    await app!.get(KafkaTemplate).send('orders', 'a');
    expect((await kafka.records('orders'))[0]!.headers).toEqual([]);
  });
});

describe('@SequenceGuard', () => {
  it('reports what a faulty way removed, doubled and swapped as exactly that', async () => {
    await start({ 'kafka.template.sequence-id-header': 'sequence-id' });
    const template = app!.get(KafkaTemplate);
    const events: ContainerEvent[] = [];
    app!
      .get(ContainerRegistry)
      .list()[0]!
      .onEvent((event) => events.push(event));
    await template.sendAll(
      Array.from({ length: 30 }, (_, at) => ({ topic: 'orders', partition: 0, value: `order ${at}` })),
    );
    const sent = (await kafka.records('orders')).filter(({ partition }) => partition === 0);
    // Three removed, two doubled, one swapped with its neighbour.
    const way = sent.flatMap((record, at) => {
      if ([5, 11, 12].includes(at)) return [];
      return [3, 20].includes(at) ? [record, record] : [record];
    });
    const swapped = way.findIndex(({ offset }) => offset === 25);
    [way[swapped], way[swapped + 1]] = [way[swapped + 1]!, way[swapped]!];
    await kafka.produce('copy', 0, way);
    await kafka.untilConsumed('billing', 'copy');
    const told = events.flatMap((event) => (event.type === 'sequence' ? [event.finding] : []));
    const kinds = told.map(({ kind }) => kind).sort();
    expect(kinds).toEqual(['duplicate', 'duplicate', 'missing', 'missing', 'missing', 'reordered']);
    expect(told.filter(({ kind }) => kind === 'missing')).toMatchObject([
      { from: 5, to: 6 },
      { from: 11, to: 13 },
      { from: 25, to: 26 },
    ]);
    expect(told.find(({ kind }) => kind === 'reordered')).toMatchObject({ number: 25 });
    expect(app!.get(Billing).seen).toHaveLength(29);
  });
});
