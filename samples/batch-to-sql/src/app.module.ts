import { Module } from '@nestjs/common';
import { KafkaModule } from 'nestdaw';
import { MeasurementController } from './measurement.controller.js';
import { MeasurementListener } from './measurement.listener.js';
import { MeasurementTable } from './measurement.table.js';

@Module({
  imports: [KafkaModule.forRoot()],
  controllers: [MeasurementController],
  providers: [MeasurementListener, MeasurementTable],
})
export class AppModule {}
