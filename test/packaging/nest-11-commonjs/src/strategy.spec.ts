import { Controller, INestApplication } from '@nestjs/common';
import { ClientKafka, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { KafkaModule, NestdawStrategy, provideKafkaClient } from 'nestdaw';
import { EmbeddedKafka, until } from 'nestdaw/testing';
import { firstValueFrom } from 'rxjs';

const heard: unknown[] = [];

@Controller()
class Handlers {
  @EventPattern('orders')
  placed(@Payload() order: any) {
    heard.push(order);
  }

  @MessagePattern('sum')
  sum(@Payload() numbers: any) {
    return numbers.reduce((sum: number, n: number) => sum + n, 0);
  }
}

// Handlers and clients of Nest's own transport, by the strategy.
describe('NestdawStrategy', () => {
  let kafka: EmbeddedKafka;
  let app: INestApplication;

  beforeAll(async () => {
    kafka = await EmbeddedKafka.start({ topics: ['orders', 'sum'] });
    const imports = [KafkaModule.forRoot({ properties: { 'kafka.consumer.group-id': 'shop' } })];
    const providers = [provideKafkaClient('ORDERS', { replyTopic: 'sum.reply' })];
    const module = await kafka
      .provide(Test.createTestingModule({ imports, controllers: [Handlers], providers }))
      .compile();
    app = module.createNestApplication({ logger: false });
    app.connectMicroservice({ strategy: app.get(NestdawStrategy) });
    await app.startAllMicroservices();
    await app.init();
  });

  afterAll(async () => {
    await app?.close();
    await kafka.stop();
  });

  it('serves events and requests of a bound ClientKafka', async () => {
    const client: ClientKafka = app.get('ORDERS');
    expect(await firstValueFrom(client.send('sum', [1, 2]))).toBe('3');
    client.emit('orders', { key: 'ada', value: { amount: 3 } });
    await until(() => heard.length === 1, { what: 'the event' });
    expect(heard).toEqual([{ amount: 3 }]);
  });
});
