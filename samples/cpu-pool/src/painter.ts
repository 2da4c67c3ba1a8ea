import { threadId } from 'node:worker_threads';
import { Injectable } from '@nestjs/common';
import { Environment, KafkaListener, KafkaTemplate, Payload, Signal } from 'nestdaw';
import { paintRow } from './mandelbrot.js';
import { type PaintedRow, RowToPaint } from './rows.js';

// Runs in the worker threads. The main thread has an instance as well, which is never called.

@Injectable()
export class Painter {
  constructor(
    private readonly done: KafkaTemplate<PaintedRow>,
    private readonly environment: Environment,
  ) {}

  /** As many rows at once as there are threads. They may be painted in any order: `order: 'key'` would keep one. */
  @KafkaListener({
    topics: '${pictures.todo}',
    groupId: 'painters',
    pool: 'threads',
    threads: '${pictures.threads}',
    order: 'none',
  })
  async paint(@Payload() { picture, row, rows }: RowToPaint, @Signal() signal: AbortSignal): Promise<void> {
    const width = Number(this.environment.get('pictures.width'));
    const depth = Number(this.environment.get('pictures.depth'));
    const start = performance.now();
    const pixels = paintRow(row, rows, width, depth, () => signal.throwIfAborted());
    const ms = performance.now() - start;
    await this.done.send(this.environment.get('pictures.done')!, picture, { picture, row, rows, pixels, threadId, ms });
  }
}
