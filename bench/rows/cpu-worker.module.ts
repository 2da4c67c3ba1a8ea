import { Module } from '@nestjs/common';
import { PooledWork } from './cpu-work.js';

/** What the threads of the rows `listener cpu …` open. */
@Module({ providers: [PooledWork] })
export class CpuWorkerModule {}
