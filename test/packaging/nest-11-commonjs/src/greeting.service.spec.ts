import { Module } from '@nestjs/common';
import { Test, TestingModule } from '@nestjs/testing';
import { KafkaModule } from 'nestdaw';
import { EmbeddedKafka, until } from 'nestdaw/testing';
import { GreetingService } from './greeting.service';

@Module({ imports: [KafkaModule.forRoot()], providers: [GreetingService] })
class AppModule {}

describe('GreetingService', () => {
  let kafka: EmbeddedKafka;
  let module: TestingModule;
  let greetings: GreetingService;

  beforeAll(async () => {
    kafka = await EmbeddedKafka.start({ topics: { greetings: 3 } });
    module = await kafka.provide(Test.createTestingModule({ imports: [AppModule] })).compile();
    await module.init();
    greetings = module.get(GreetingService);
  });

  afterAll(async () => {
    await module.close();
    await kafka.stop();
  });

  it('sends what it returns and hears what was sent', async () => {
    expect(await greetings.greet('Ada')).toEqual({ to: 'Ada' });
    expect(await greetings.greetDirectly('Grace')).toBeGreaterThanOrEqual(0);
    await until(() => greetings.heard.length === 2, { what: 'two greetings heard' });
    expect([...greetings.heard].sort()).toEqual(['Ada', 'Grace']);
    await kafka.untilConsumed('greeters', 'greetings');
  });
});
