// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of properties, not of templates
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { defaultErrorHandler, KafkaListener, Payload } from '../../../../src/index.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';
import { records, startOnBroker } from '../../../support/broker-app.js';

let kafka: EmbeddedKafka;
beforeAll(async () => {
  kafka = await EmbeddedKafka.start({ topics: { orders: 3, payments: 2 } });
});
afterAll(() => kafka.stop());

describe('deadLetters of a listener', () => {
  it('sends what cannot be handled on, to topics that are there from the start, and commits past it', async () => {
    let deliveries = 0;
    @Injectable()
    class Orders {
      @KafkaListener({ topics: 'orders', groupId: 'orders', deadLetters: true })
      handle(@Payload() order: { bad?: boolean }) {
        if (!order.bad) return;
        deliveries++;
        throw new TypeError('bad order');
      }
    }
    const { app } = await startOnBroker(kafka, { providers: [Orders] });
    expect(await kafka.records('orders-dlt')).toEqual([]);
    await kafka.produce('orders', 2, records([{ ok: 1 }, { bad: true }, { ok: 2 }, 'no JSON {']));
    await kafka.untilConsumed('orders', 'orders');
    const letters = await kafka.records('orders-dlt');
    expect(letters.map(({ partition, key, value }) => [partition, key?.toString(), value?.toString()])).toEqual([
      [2, 'k1', '{"bad":true}'],
      [2, 'k3', 'no JSON {'],
    ]);
    expect(deliveries).toBe(10);
    const headers = Object.fromEntries(letters[0]!.headers.map(({ key, value }) => [key, value]));
    expect(headers['kafka_dlt-original-offset']!.readBigInt64BE()).toBe(1n);
    expect(String(headers['kafka_dlt-exception-fqcn'])).toBe('TypeError');
    await app.close();
  });

  it('leaves retries and policies to a commonErrorHandler, and takes the place of its pause', async () => {
    const deliveries: string[] = [];
    @Injectable()
    class Ruled {
      @KafkaListener({
        topics: 'ruled',
        groupId: 'ruled',
        deadLetters: true,
        commonErrorHandler: defaultErrorHandler({
          retries: 1,
          policies: [{ on: RangeError, retries: 0, exhausted: 'skip' }],
        }),
      })
      handle(@Payload('what') what: string) {
        deliveries.push(what);
        throw what === 'skipped' ? new RangeError(what) : new Error(what);
      }
    }
    await kafka.createTopic('ruled');
    const { app } = await startOnBroker(kafka, { providers: [Ruled] });
    await kafka.produce('ruled', 0, records([{ what: 'skipped' }, { what: 'letter' }]));
    await kafka.untilConsumed('ruled', 'ruled');
    expect(deliveries).toEqual(['skipped', 'letter', 'letter']);
    const letters = await kafka.records('ruled-dlt');
    expect(letters.map(({ value }) => value?.toString())).toEqual(['{"what":"letter"}']);
    await app.close();
  });

  it('goes to the topic that is named, with placeholders', async () => {
    @Injectable()
    class Payments {
      @KafkaListener({ topics: 'payments', groupId: 'payments', deadLetters: '${letters}' })
      handle() {
        throw new Error('never');
      }
    }
    const { app } = await startOnBroker(kafka, { providers: [Payments] }, { letters: 'all-letters' });
    await kafka.produce('payments', 1, records(['{}']));
    const [letter] = await kafka.untilRecords('all-letters', 1);
    expect(letter).toMatchObject({ partition: 1 });
    await app.close();
  });

  it('refuses a topic that the listener reads itself', async () => {
    @Injectable()
    class Loop {
      @KafkaListener({ topics: 'orders', groupId: 'loop', deadLetters: 'orders' })
      handle() {}
    }
    await expect(startOnBroker(kafka, { providers: [Loop] })).rejects.toThrow('would come back for ever');
  });
});
