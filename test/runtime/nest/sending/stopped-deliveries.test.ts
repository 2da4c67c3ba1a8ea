import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { KafkaAdmin } from '../../../../src/runtime/client/admin/kafka-admin.js';
import { type StoppedDelivery } from '../../../../src/runtime/client/producer-client.js';
import { KafkaTemplate } from '../../../../src/runtime/template/kafka-template.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';
import { until } from '../../../../src/testing/until.js';
import { type BrokerApp, startOnBroker } from '../../../support/broker-app.js';

// What an application hears of partitions that stop since a record of theirs was lost.

const HUGE = 'x'.repeat(5_000);

let kafka: EmbeddedKafka;
let running: BrokerApp;

beforeAll(async () => {
  kafka = await EmbeddedKafka.start();
});
afterEach(() => running.app.close());
afterAll(() => kafka.stop());

async function start(properties: Record<string, string>) {
  running = await startOnBroker(kafka, {}, properties);
  await running.app
    .get(KafkaAdmin)
    .createOrModifyTopics({ name: 'small', partitions: 2, configs: { 'max.message.bytes': '1000' } });
  return running.app.get<KafkaTemplate<string>>(KafkaTemplate);
}

function stopsOf(template: KafkaTemplate): StoppedDelivery[] {
  const stops: StoppedDelivery[] = [];
  template.addProducerListener({ onDeliveryStopped: (stopped) => stops.push(stopped) });
  return stops;
}

describe('a partition that stops at a lost record', () => {
  it('is told to producer listeners, and the template is down until it is resumed', async () => {
    const template = await start({ 'kafka.producer.profile': 'no-loss' });
    const stops = stopsOf(template);
    template.addProducerListener({
      onDeliveryStopped: () => {
        throw new Error('a listener that fails');
      },
    });
    expect(template.health()).toEqual({ status: 'up', problems: [] });

    await expect(template.send('small', 1, 'k', HUGE)).rejects.toMatchObject({ code: 'KAFKA_RECORD_TOO_LARGE' });
    await until(() => stops.length > 0);
    await expect(template.send('small', 1, 'k', 'later')).rejects.toThrow('takes no records since one was lost');
    expect((await template.send('small', 0, 'k', 'beside')).offset).toBe(0);
    expect(template.health()).toEqual({
      status: 'down',
      problems: [
        { partition: 'small-1', kind: 'stopped', reason: expect.stringContaining('more than the topic takes') },
      ],
    });

    template.resume('small', 1);
    expect(template.health().status).toBe('up');
    expect((await template.send('small', 1, 'k', 'after')).offset).toBe(0);
    // Once, whatever was refused behind it.
    expect(stops).toMatchObject([{ topic: 'small', partition: 1, error: { code: 'KAFKA_RECORD_TOO_LARGE' } }]);
  });

  it('may be resumed by the listener that is told', async () => {
    const template = await start({ 'kafka.producer.on-delivery-failure': 'stop' });
    const told = new Promise<void>((resolve) => {
      template.addProducerListener({
        onDeliveryStopped: ({ topic, partition }) => {
          template.resume(topic, partition);
          resolve();
        },
      });
    });
    await expect(template.send('small', 0, 'k', HUGE)).rejects.toMatchObject({ code: 'KAFKA_RECORD_TOO_LARGE' });
    await told;
    expect(template.health().status).toBe('up');
    await template.send('small', 0, 'k', 'goes on');
  });

  it('is told to the listeners of the named producer that lost the record, and to no others', async () => {
    const template = await start({ 'kafka.producers.careful.on-delivery-failure': 'stop' });
    const careful = template.withProducer<string>('careful');
    const [plain, named] = [stopsOf(template), stopsOf(careful)];
    await expect(careful.send('small', 0, 'k', HUGE)).rejects.toMatchObject({ code: 'KAFKA_RECORD_TOO_LARGE' });
    await until(() => named.length > 0);
    expect([careful.health().status, template.health().status]).toEqual(['down', 'up']);
    expect(plain).toEqual([]);
  });
});
