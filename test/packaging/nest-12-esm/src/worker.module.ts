import { threadId } from 'node:worker_threads';
import { Injectable, Module } from '@nestjs/common';
import { KafkaListener, KafkaTemplate, Payload } from 'nestdaw';

export interface Answer {
  readonly n: number;
  readonly threadId: number;
}

@Injectable()
export class Counter {
  constructor(private readonly answers: KafkaTemplate<Answer>) {}

  @KafkaListener({ topics: 'numbers', groupId: 'counters', pool: 'threads', threads: 1 })
  async count(@Payload() { n }: { n: number }): Promise<void> {
    await this.answers.send('answers', null, { n, threadId });
  }
}

@Module({ providers: [Counter] })
export class WorkerModule {}
