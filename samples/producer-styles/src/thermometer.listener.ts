import { Injectable, Logger } from '@nestjs/common';
import { KafkaListener, Payload } from 'nestdaw';
import { Measurement } from './measurement.js';

/** Reads everything, whatever style it was sent in. */
@Injectable()
export class ThermometerListener {
  readonly #log = new Logger(ThermometerListener.name);
  count = 0;

  @KafkaListener({ topics: '${measurements.topic}', groupId: 'thermometer' })
  read(@Payload() { sensor, celsius }: Measurement): void {
    this.count++;
    if (this.count <= 100 || this.count % 10_000 === 0)
      this.#log.log(`${sensor}: ${celsius} °C (${this.count} so far)`);
  }
}
