import { Body, Controller, Get, Inject, Post } from '@nestjs/common';
import { KafkaTemplate } from 'nestdaw';
import type sqlite from 'node-sqlite3-wasm';
import { DATABASE } from './database.js';
import { Reading } from './reading.js';

@Controller('readings')
export class ReadingsController {
  constructor(
    private readonly template: KafkaTemplate<Reading>,
    @Inject(DATABASE) private readonly database: sqlite.Database,
  ) {}

  @Post()
  async add(@Body() reading: Reading): Promise<{ offset: number }> {
    const { offset } = await this.template.send('readings', reading.sensor, reading);
    return { offset };
  }

  @Get()
  all(): { rows: unknown[]; offsets: unknown[] } {
    return {
      rows: this.database.all('SELECT sensor, value FROM readings'),
      offsets: this.#hasOffsets() ? this.database.all('SELECT topic, part, next_offset FROM nestdaw_offsets') : [],
    };
  }

  /** The table comes with the first partition that is assigned. */
  #hasOffsets(): boolean {
    return this.database.all("SELECT name FROM sqlite_master WHERE name = 'nestdaw_offsets'").length > 0;
  }
}
