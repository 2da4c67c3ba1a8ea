import { Injectable } from '@nestjs/common';
import { Environment, KafkaListener, Payload } from 'nestdaw';

// Handlers that compute, in a pool of threads or in the event loop: which one is what the rows compare.

export const CPU_TOPIC = 'bench-cpu';

const BLOCK_BYTES = 1_024;
const CALIBRATION = 100_000;

/**
 * Work for the processor that no clock shortens: so many hashes (FNV-1a) over 1 KB. It leaves no garbage: V8 collects
 * that with threads of its own, for which two threads that compute leave no processor on a machine with two.
 */
export function compute(hashes: number): number {
  const block = Buffer.alloc(BLOCK_BYTES, 7);
  let hash = 0x811c9dc5;
  for (let turn = 0; turn < hashes; turn++) {
    block[turn % BLOCK_BYTES] = hash & 255;
    for (let at = 0; at < BLOCK_BYTES; at++) hash = Math.imul(hash ^ block[at]!, 0x01000193);
  }
  return hash;
}

/** Hashes that take `ms` of CPU here. */
export function hashesFor(ms: number): number {
  compute(CALIBRATION);
  const before = process.cpuUsage();
  compute(CALIBRATION);
  const { user, system } = process.cpuUsage(before);
  return Math.round((CALIBRATION * ms * 1_000) / (user + system));
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
