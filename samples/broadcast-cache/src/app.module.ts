import { Module } from '@nestjs/common';
import { KafkaModule } from 'nestdaw';
import { PriceCache } from './price.cache.js';
import { PriceController } from './price.controller.js';

@Module({ imports: [KafkaModule.forRoot()], controllers: [PriceController], providers: [PriceCache] })
export class AppModule {}
