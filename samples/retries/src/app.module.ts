import { Module } from '@nestjs/common';
import { KafkaModule } from 'nestdaw';
import { PaymentController } from './payment.controller.js';
import { PaymentListener } from './payment.listener.js';

@Module({ imports: [KafkaModule.forRoot()], controllers: [PaymentController], providers: [PaymentListener] })
export class AppModule {}
