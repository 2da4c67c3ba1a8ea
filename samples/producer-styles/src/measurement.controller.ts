import { Body, Controller, NotFoundException, Param, ParseIntPipe, Post, ValidationPipe } from '@nestjs/common';
import { Measurement } from './measurement.js';
import { MeasurementProducer } from './measurement.producer.js';

const STYLES = ['oneway', 'awaited', 'callback', 'returned', 'typed'] as const;
type Style = (typeof STYLES)[number];

@Controller()
export class MeasurementController {
  constructor(private readonly producer: MeasurementProducer) {}

  @Post('measurements/:style')
  async send(@Param('style') style: string, @Body(new ValidationPipe()) measurement: Measurement): Promise<object> {
    if (!STYLES.includes(style as Style)) throw new NotFoundException(`styles are ${STYLES.join(', ')}`);
    return (await this.producer[style as Style](measurement)) ?? { accepted: true };
  }

  @Post('import/:count')
  async import(@Param('count', ParseIntPipe) count: number): Promise<{ sent: number }> {
    return { sent: await this.producer.import(count) };
  }
}
