import { Module } from '@nestjs/common';
import { SendWork } from './send-work.js';

/** What the threads of the rows `template threads …` open. */
@Module({ providers: [SendWork] })
export class SendWorkerModule {}
