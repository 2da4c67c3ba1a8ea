import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, type INestApplication, Inject, Injectable } from '@nestjs/common';
import { type ClientKafka, Payload, RpcException } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { KafkaTemplate, type ProducerRecord, provideKafkaClient } from '../../../../src/index.js';
import { until } from '../../../../src/testing/index.js';
import { type BrokerApp } from '../../../support/broker-app.js';
import { EventPattern, MessagePattern, serveByStrategy } from '../../../support/strategy-app.js';
import { startTestKafka, type TestKafka } from '../../../support/test-kafka.js';

// Services that inject ClientKafka, bound to the module instead of Nest's own transport.

const seen: unknown[] = [];

@Controller()
class Handlers {
  @EventPattern('orders')
  placed(@Payload() order: unknown) {
    seen.push(order);
  }

  @MessagePattern('sum')
  sum(@Payload() numbers: number[]) {
    if (numbers.length === 0) throw new RpcException('nothing to add');
    return numbers.reduce((sum, n) => sum + n, 0);
  }
}

@Injectable()
class Shop {
  constructor(@Inject('ORDERS') readonly client: ClientKafka) {}

  async onModuleInit() {
    this.client.subscribeToResponseOf('sum');
    await this.client.connect();
  }
}

describe('a ClientKafka token bound to the module', () => {
  let kafka: TestKafka;
  let app: INestApplication;
  let logger: BrokerApp['logger'];

  beforeEach(async () => {
    seen.length = 0;
    kafka = await startTestKafka({ orders: 1, sum: 1, silent: 1 });
  });

  afterEach(async () => {
    await app.close();
    await kafka.stop();
  });

  async function start(
    settings: Parameters<typeof provideKafkaClient>[1],
    properties: Record<string, string> = {},
  ): Promise<ClientKafka> {
    const metadata = { controllers: [Handlers], providers: [Shop, provideKafkaClient('ORDERS', settings)] };
    ({ app, logger } = await serveByStrategy(kafka, metadata, { before: true, properties }));
    return app.get(Shop).client;
  }

  it('emits events and asks for replies as before', async () => {
    const client = await start({ replyTopic: 'sum.reply' });
    client.emit('orders', { key: 'ada', value: { amount: 3 }, headers: { trace: 'x' } });
    await until(() => seen.length === 1);
    expect(seen).toEqual([{ amount: 3 }]);
    const [record] = await kafka.records('orders');
    expect(record!.key!.toString()).toBe('ada');
    expect(record!.headers.map(({ key, value }) => [key, value!.toString()])).toEqual([['trace', 'x']]);
    expect(await firstValueFrom(client.send('sum', [1, 2, 3]))).toBe('6');
    await expect(firstValueFrom(client.send('sum', []))).rejects.toMatchObject({
      code: 'KAFKA_REPLY_FAILED',
      message: 'nothing to add',
    });
  });

  it('sends by the template: its interceptors see each message, a failure is told and logged', async () => {
    const topics: unknown[] = [];
    const onSend = (record: ProducerRecord) => {
      topics.push(record.topic);
      return record;
    };
    const client = await start({ replyTopic: 'sum.reply' }, { 'kafka.producer.properties.max.request.size': '1000' });
    app.get(KafkaTemplate).addProducerInterceptor({ onSend });
    expect(await firstValueFrom(client.emit('orders', 'one'))).toMatchObject({ topic: 'orders', offset: 0 });
    const sum = client.send('sum', [1, 2]);
    expect(topics).toEqual(['orders']);
    expect(await firstValueFrom(sum)).toBe('3');
    expect(topics).toEqual(['orders', 'sum']);
    // Nobody looks at this one.
    client.emit('orders', 'x'.repeat(2_000));
    await until(() => logger.lines.some((line) => line.includes('send to orders, key null, failed')));
    const observed = firstValueFrom(client.emit('orders', 'x'.repeat(2_000)));
    await expect(observed).rejects.toMatchObject({ code: 'KAFKA_RECORD_TOO_LARGE' });
  });

  it('sends what it is given as it did there, whatever the templates write', async () => {
    const client = await start({ replyTopic: 'sum.reply' }, { 'kafka.producer.value-serializer': 'json' });
    expect(await firstValueFrom(client.send('sum', [2, 2]))).toBe('4');
    client.emit('orders', 'text');
    await until(() => seen.length === 1);
    expect((await kafka.records('orders')).map(({ value }) => value!.toString())).toEqual(['text']);
  });

  it('waits for a reply as long as it is told', async () => {
    const client = await start({ replyTopic: 'sum.reply', defaultReplyTimeout: 50 });
    await expect(firstValueFrom(client.send('silent', 1))).rejects.toMatchObject({
      code: 'KAFKA_REPLY_TIMEOUT',
      message: expect.stringContaining(' 50 ms'),
    });
  });

  it('says what is missing for replies', async () => {
    const client = await start({});
    await expect(firstValueFrom(client.send('sum', [1]))).rejects.toThrow(/replyTopic/);
  });
});
