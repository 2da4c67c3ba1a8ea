import { Module } from '@nestjs/common';
import { KafkaModule } from 'nestdaw';
import { databaseProvider } from './database.js';
import { LedgerListener } from './ledger.listener.js';
import { MailListener } from './mail.listener.js';
import { PaymentsController } from './payments.controller.js';

@Module({
  imports: [KafkaModule.forRoot({ topics: [{ name: 'incoming-payments', partitions: 1 }] })],
  controllers: [PaymentsController],
  providers: [databaseProvider, LedgerListener, MailListener],
})
export class AppModule {}
