import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, type INestApplication, Inject, Injectable } from '@nestjs/common';
import {
  type ClientKafka,
  Payload,
  RpcException,
  EventPattern as TypedEventPattern,
  MessagePattern as TypedMessagePattern,
} from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { NestdawStrategy, provideKafkaClient } from '../../../../src/index.js';
import { until } from '../../../../src/testing/index.js';
import { createOnBroker } from '../../../support/broker-app.js';
import { startTestKafka, type TestKafka } from '../../../support/test-kafka.js';

// Services that inject ClientKafka, bound to the module instead of Nest's own transport.

// Nest's own types ask for parameters of exactly `any`.
const EventPattern = TypedEventPattern as (...args: any[]) => MethodDecorator;
const MessagePattern = TypedMessagePattern as (...args: any[]) => MethodDecorator;

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

  beforeEach(async () => {
    seen.length = 0;
    kafka = await startTestKafka({ orders: 1, sum: 1 });
  });

  afterEach(async () => {
    await app.close();
    await kafka.stop();
  });

  async function start(settings: Parameters<typeof provideKafkaClient>[1]): Promise<ClientKafka> {
    const metadata = { controllers: [Handlers], providers: [Shop, provideKafkaClient('ORDERS', settings)] };
    ({ app } = await createOnBroker(kafka, metadata, { 'kafka.consumer.group-id': 'shop' }));
    app.connectMicroservice({ strategy: app.get(NestdawStrategy) });
    await app.startAllMicroservices();
    await app.init();
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

  it('says what is missing for replies', async () => {
    const client = await start({});
    await expect(firstValueFrom(client.send('sum', [1]))).rejects.toThrow(/replyTopic/);
  });
});
