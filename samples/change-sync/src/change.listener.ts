import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Environment, KafkaListener, Payload } from 'nestdaw';
import { type Change, TargetTable } from './tables.js';

@Injectable()
export class ChangeListener {
  readonly #failing: number;
  readonly #workMs: number;
  /** Changes that are made, tries that failed, and the most that ran at a time. */
  made = 0;
  failures = 0;
  most = 0;
  #running = 0;

  constructor(
    private readonly target: TargetTable,
    environment: Environment,
  ) {
    this.#failing = Number(environment.get('changes.failing') ?? 5);
    this.#workMs = Number(environment.get('changes.work-ms') ?? 5);
  }

  /** 32 changes at a time, those of one row one after another: a row that fails holds up itself alone. */
  @KafkaListener({ topics: '${changes.topic}', groupId: 'sync', workers: 32, order: 'key' })
  async apply(@Payload() change: Change): Promise<void> {
    this.most = Math.max(this.most, ++this.#running);
    try {
      await delay(Math.random() * this.#workMs);
      if (Math.random() * 100 < this.#failing) throw new Error(`the target is busy, ${change.kind} ${change.id} fails`);
      this.target.apply(change);
      this.made += 1;
    } catch (error) {
      this.failures += 1;
      throw error;
    } finally {
      this.#running -= 1;
    }
  }
}
