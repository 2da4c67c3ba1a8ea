import { Module } from '@nestjs/common';
import { KafkaModule } from 'nestdaw';
import { CounterInterceptor } from './counter.interceptor.js';
import { GreetingController } from './greeting.controller.js';
import { GreetingListener } from './greeting.listener.js';
import { TimestampInterceptor } from './timestamp.interceptor.js';

@Module({
  imports: [KafkaModule.forRoot()],
  controllers: [GreetingController],
  providers: [GreetingListener, TimestampInterceptor, CounterInterceptor],
})
export class AppModule {}
