import { Injectable } from '@nestjs/common';
import { BatchListenerFailedError, KafkaListener, Payload } from 'nestdaw';
import { Measurement } from './measurement.js';
import { MeasurementTable } from './measurement.table.js';

/** No sensor of ours is that cold: such a measurement is a mistake, and stops its batch. */
const ABSOLUTE_ZERO = -273.15;

@Injectable()
export class MeasurementListener {
  constructor(private readonly table: MeasurementTable) {}

  /**
   * All records of a poll at once, as one statement. One that must not be stored is named by its index: those before it
   * are finished, it goes to the dead letters, and those behind it come again.
   */
  @KafkaListener({
    topics: '${measurements.topic}',
    groupId: 'to-sql',
    batch: true,
    payload: Measurement,
    deadLetters: true,
  })
  async store(@Payload() measurements: Measurement[]): Promise<void> {
    const wrong = measurements.findIndex(({ celsius }) => celsius < ABSOLUTE_ZERO);
    await this.table.insert(wrong === -1 ? measurements : measurements.slice(0, wrong));
    if (wrong !== -1) throw new BatchListenerFailedError(wrong, new RangeError('colder than cold'));
  }
}
