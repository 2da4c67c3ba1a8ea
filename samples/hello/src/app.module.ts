import { Module } from '@nestjs/common';
import { KafkaModule } from 'nestdaw';
import { KafkaConsumer } from './kafka-consumer.js';
import { KafkaProducer } from './kafka-producer.js';

@Module({
  imports: [KafkaModule.forRoot()],
  controllers: [KafkaProducer],
  providers: [KafkaConsumer],
})
export class AppModule {}
