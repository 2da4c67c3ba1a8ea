import { randomUUID } from 'node:crypto';
import { Body, Controller, Get, Param, ParseIntPipe, Post } from '@nestjs/common';
import { Environment, KafkaTemplate } from 'nestdaw';
import { type Measurement } from './measurement.js';
import { MeasurementTable } from './measurement.table.js';

@Controller('measurements')
export class MeasurementController {
  readonly #topic: string;

  constructor(
    private readonly template: KafkaTemplate<Measurement>,
    private readonly table: MeasurementTable,
    environment: Environment,
  ) {
    this.#topic = environment.get('measurements.topic') ?? 'measurements';
  }

  /** One that may be wrong: `{"celsius":-300}`. */
  @Post()
  async one(@Body() { celsius = 20 }: { celsius?: number }): Promise<Measurement> {
    const measurement = { id: randomUUID(), sensor: 'north', celsius };
    await this.template.send(this.#topic, 'north', measurement);
    return measurement;
  }

  @Post(':count')
  async many(@Param('count', ParseIntPipe) count: number): Promise<{ sent: number }> {
    const measurements = Array.from({ length: count }, (_, index) => ({
      id: randomUUID(),
      sensor: `sensor-${index % 10}`,
      celsius: index % 40,
    }));
    await Promise.all(measurements.map((each) => this.template.send(this.#topic, each.sensor, each)));
    return { sent: count };
  }

  @Get()
  async counts(): Promise<{ rows: number; statements: number }> {
    return { rows: await this.table.count(), statements: this.table.statements };
  }
}
