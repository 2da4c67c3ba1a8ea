import { Module } from '@nestjs/common';
import { KafkaModule } from 'nestdaw';
import { Audit } from './audit.listener.js';
import { Bookkeeper } from './bookkeeper.listener.js';
import { TransfersController } from './transfers.controller.js';

@Module({
  imports: [KafkaModule.forRoot()],
  controllers: [TransfersController],
  providers: [Bookkeeper, Audit],
})
export class AppModule {}
