import { Module } from '@nestjs/common';
import { KafkaModule } from 'nestdaw';
import { OrderListener } from './billing.listener.js';
import { NotificationListener } from './notification.listener.js';
import { OrderController } from './order.controller.js';
import { OrderService } from './order.service.js';
import { Totals } from './totals.listener.js';

@Module({
  imports: [KafkaModule.forRoot()],
  controllers: [OrderController],
  providers: [OrderService, OrderListener, Totals, NotificationListener],
})
export class AppModule {}
