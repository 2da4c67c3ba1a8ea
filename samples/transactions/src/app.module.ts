import { Module } from '@nestjs/common';
import { KafkaModule } from 'nestdaw';
import { Audit } from './audit.listener.js';
import { Bookkeeper } from './bookkeeper.listener.js';
import { TransfersController } from './transfers.controller.js';

@Module({
  imports: [
    KafkaModule.forRoot({
      topics: [
        { name: '${transfers.topic}', partitions: 4 },
        { name: 'bookings', partitions: 4 },
      ],
    }),
  ],
  controllers: [TransfersController],
  providers: [Bookkeeper, Audit],
})
export class AppModule {}
