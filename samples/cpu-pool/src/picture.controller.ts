import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Body, Controller, Get, Header, NotFoundException, Param, Post } from '@nestjs/common';
import { Environment, KafkaTemplate } from 'nestdaw';
import { Collector } from './collector.js';
import { type RowToPaint } from './rows.js';

@Controller()
export class PictureController {
  readonly #delay = monitorEventLoopDelay({ resolution: 5 });

  constructor(
    private readonly todo: KafkaTemplate<RowToPaint>,
    private readonly collector: Collector,
    private readonly environment: Environment,
  ) {
    this.#delay.enable();
  }

  @Post('pictures/:picture')
  async paint(@Param('picture') picture: string, @Body('rows') given: unknown): Promise<{ rows: number }> {
    const rows = Math.min(10_000, Math.max(1, Number(given) || 100));
    this.collector.begin(picture, rows);
    const topic = this.environment.get('pictures.todo')!;
    await Promise.all(Array.from({ length: rows }, (_, row) => this.todo.send(topic, null, { picture, row, rows })));
    return { rows };
  }

  @Get('pictures/:picture')
  progress(@Param('picture') picture: string) {
    return this.collector.progress(picture) ?? this.#unknown(picture);
  }

  @Get('pictures/:picture/text')
  @Header('content-type', 'text/plain')
  text(@Param('picture') picture: string): string {
    if (!this.collector.progress(picture)) this.#unknown(picture);
    return `${this.collector.text(picture)}\n`;
  }

  /** Since the last time somebody asked. */
  @Get('delay')
  delay(): { p99: number } {
    const p99 = Math.round(this.#delay.percentile(99) / 1e5) / 10;
    this.#delay.reset();
    return { p99 };
  }

  #unknown(picture: string): never {
    throw new NotFoundException(`there is no picture ${picture}`);
  }
}
