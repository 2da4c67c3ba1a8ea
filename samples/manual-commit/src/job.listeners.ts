import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import {
  Ack,
  type Acknowledgment,
  Consumer,
  Environment,
  KafkaListener,
  type ListenerConsumer,
  Payload,
} from 'nestdaw';
import { Notes } from './notes.js';

/** Four groups read the same jobs; each commits in its own way. */
@Injectable()
export class JobListeners {
  readonly #workMs: number;
  #since = 0;

  constructor(
    private readonly notes: Notes,
    environment: Environment,
  ) {
    this.#workMs = Number(environment.get('jobs.work-ms') ?? 20);
  }

  /** By itself: when all jobs of a poll are done. After a kill at most a poll's jobs run again. */
  @KafkaListener({ topics: '${jobs.topic}', groupId: 'by-poll' })
  async byPoll(@Payload() job: string): Promise<void> {
    await this.#work('by-poll', job);
  }

  /** By hand, each job at once, and waits until the commit is stored. After a kill one job runs again, or none. */
  @KafkaListener({ topics: '${jobs.topic}', groupId: 'each-at-once', ackMode: 'MANUAL_IMMEDIATE' })
  async eachAtOnce(@Payload() job: string, @Ack() ack: Acknowledgment): Promise<void> {
    await this.#work('each-at-once', job);
    await ack.acknowledge();
  }

  /** By hand, in any order: eight jobs at a time. The commit never passes one that is not acknowledged. */
  @KafkaListener({ topics: '${jobs.topic}', groupId: 'any-order', ackMode: 'MANUAL', workers: 8, order: 'none' })
  async anyOrder(@Payload() job: string, @Ack() ack: Acknowledgment): Promise<void> {
    await this.#work('any-order', job);
    await ack.acknowledge();
  }

  /** When the listener says so: after every tenth job. */
  @KafkaListener({ topics: '${jobs.topic}', groupId: 'every-tenth', ackMode: 'TIME' })
  async everyTenth(@Payload() job: string, @Consumer() consumer: ListenerConsumer): Promise<void> {
    await this.#work('every-tenth', job);
    this.#since += 1;
    if (this.#since % 10 === 0) await consumer.commit();
  }

  async #work(way: string, job: string): Promise<void> {
    await delay(this.#workMs);
    this.notes.add(way, job);
  }
}
