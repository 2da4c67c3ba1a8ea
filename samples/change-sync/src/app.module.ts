import { Module } from '@nestjs/common';
import { KafkaModule } from 'nestdaw';
import { ChangeController } from './change.controller.js';
import { ChangeListener } from './change.listener.js';
import { SourceTable, TargetTable } from './tables.js';

@Module({
  imports: [KafkaModule.forRoot()],
  controllers: [ChangeController],
  providers: [ChangeListener, SourceTable, TargetTable],
})
export class AppModule {}
