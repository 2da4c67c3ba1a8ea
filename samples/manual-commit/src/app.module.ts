import { Module } from '@nestjs/common';
import { KafkaModule } from 'nestdaw';
import { JobController } from './job.controller.js';
import { JobListeners } from './job.listeners.js';
import { Notes } from './notes.js';

@Module({ imports: [KafkaModule.forRoot()], controllers: [JobController], providers: [JobListeners, Notes] })
export class AppModule {}
