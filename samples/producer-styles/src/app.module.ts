import { Module } from '@nestjs/common';
import { KafkaModule } from 'nestdaw';
import { MeasurementController } from './measurement.controller.js';
import { MeasurementProducer } from './measurement.producer.js';
import { MeasurementDeserializer, MeasurementSerializer } from './measurement.serde.js';
import { RegionPartitioner } from './region.partitioner.js';
import { ThermometerListener } from './thermometer.listener.js';

@Module({
  imports: [KafkaModule.forRoot()],
  controllers: [MeasurementController],
  providers: [
    MeasurementProducer,
    MeasurementSerializer,
    MeasurementDeserializer,
    RegionPartitioner,
    ThermometerListener,
  ],
})
export class AppModule {}
