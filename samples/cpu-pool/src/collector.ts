import { Injectable } from '@nestjs/common';
import { KafkaListener, Payload } from 'nestdaw';
import { PaintedRow } from './rows.js';

interface Picture {
  readonly rows: number;
  readonly startedAt: number;
  endedAt: number;
  busyMs: number;
  readonly painted: Map<number, string>;
  readonly threads: Map<number, number>;
}

/** Puts pictures together, in the main thread. */
@Injectable()
export class Collector {
  readonly #pictures = new Map<string, Picture>();

  begin(name: string, rows: number): void {
    const startedAt = performance.now();
    this.#pictures.set(name, { rows, startedAt, endedAt: 0, busyMs: 0, painted: new Map(), threads: new Map() });
  }

  @KafkaListener({ topics: '${pictures.done}', groupId: 'collectors' })
  collect(@Payload() { picture, row, pixels, threadId, ms }: PaintedRow): void {
    const found = this.#pictures.get(picture);
    if (!found || found.painted.has(row)) return; // of an earlier run, or painted again after a crash
    found.painted.set(row, pixels);
    found.threads.set(threadId, (found.threads.get(threadId) ?? 0) + 1);
    found.busyMs += ms;
    found.endedAt = performance.now();
  }

  progress(name: string) {
    const picture = this.#pictures.get(name);
    if (!picture) return undefined;
    const { rows, painted, threads, busyMs, startedAt, endedAt } = picture;
    const tookMs = Math.max(0, Math.round(endedAt - startedAt));
    return {
      rows,
      painted: painted.size,
      threads: Object.fromEntries(threads),
      busyMs: Math.round(busyMs),
      tookMs,
    };
  }

  /** The picture as text; rows that are missing are empty. */
  text(name: string): string {
    const { rows = 0, painted } = this.#pictures.get(name) ?? {};
    return Array.from({ length: rows }, (_, row) => painted?.get(row) ?? '').join('\n');
  }
}
