import { Module } from '@nestjs/common';
import { KafkaModule } from 'nestdaw';
import { databaseProvider } from './database.js';
import { ReadingsController } from './readings.controller.js';
import { FileReadings, RedisReadings, SqlReadings } from './readings.listeners.js';

@Module({
  imports: [KafkaModule.forRoot({ topics: [{ name: 'readings', partitions: 1 }] })],
  controllers: [ReadingsController],
  providers: [databaseProvider, SqlReadings, FileReadings, RedisReadings],
})
export class AppModule {}
