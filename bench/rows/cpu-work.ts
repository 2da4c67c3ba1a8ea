import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Environment, KafkaListener, Payload } from 'nestdaw';

// Handlers that compute, in a pool of threads or in the event loop: which one is what the rows compare.

export const CPU_TOPIC = 'bench-cpu';

/** Work for the processor that no clock shortens: so many hashes over 1 KB. */
export function compute(hashes: number): number {
  const block = Buffer.alloc(1_024, 7);
  let sum = 0;
  for (let turn = 0; turn < hashes; turn++) {
    block[turn & 1_023] = turn & 255;
    sum += createHash('sha256').update(block).digest()[0]!;
  }
  return sum;
}

/** Hashes that take `ms` of CPU here. */
export function hashesFor(ms: number): number {
  compute(5_000);
  const before = process.cpuUsage();
  compute(20_000);
  const { user, system } = process.cpuUsage(before);
  return Math.round((20_000 * ms * 1_000) / (user + system));
}

@Injectable()
export class PooledWork {
  readonly #hashes: number;

  constructor(environment: Environment) {
    this.#hashes = Number(environment.get('bench.hashes'));
  }

  @KafkaListener({
    id: 'pooled',
    topics: CPU_TOPIC,
    groupId: '${bench.group}',
    pool: 'threads',
    threads: '${bench.threads}',
    workers: '${bench.workers}',
    order: 'key',
    ackMode: 'TIME',
  })
  handle(@Payload() _job: unknown): void {
    compute(this.#hashes);
  }
}
