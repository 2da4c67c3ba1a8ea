import { Module } from '@nestjs/common';
import { KafkaModule, KafkaOutboxModule } from 'nestdaw';
import { AuditListener } from './audit.listener.js';
import { BankController } from './bank.controller.js';
import { BankService } from './bank.service.js';
import { DATABASE, DatabaseModule } from './database.js';

@Module({
  imports: [
    KafkaModule.forRoot({ topics: [{ name: '${deposits.topic}', partitions: 1 }] }),
    DatabaseModule,
    KafkaOutboxModule.forRootAsync({ inject: [DATABASE], useFactory: (database: object) => ({ database }) }),
  ],
  controllers: [BankController],
  providers: [BankService, AuditListener],
})
export class AppModule {}
