import { Module } from '@nestjs/common';
import { Painter } from './painter.js';

/** What each worker thread opens. Keep it small: every thread has its own copy of all that is in here. */
@Module({ providers: [Painter] })
export class WorkerModule {}
