import { Injectable } from '@nestjs/common';
import { type KafkaDeserializer, type KafkaSerializer } from 'nestdaw';
import { Measurement } from './measurement.js';

// Measurements in 8 bytes and the sensor's name instead of JSON.

@Injectable()
export class MeasurementSerializer implements KafkaSerializer<Measurement> {
  serialize(_topic: string, { sensor, celsius }: Measurement): Buffer {
    const bytes = Buffer.alloc(8 + Buffer.byteLength(sensor));
    bytes.writeDoubleBE(celsius);
    bytes.write(sensor, 8);
    return bytes;
  }
}

@Injectable()
export class MeasurementDeserializer implements KafkaDeserializer<Measurement> {
  deserialize(_topic: string, bytes: Buffer): Measurement {
    return Object.assign(new Measurement(), { celsius: bytes.readDoubleBE(), sensor: bytes.toString('utf8', 8) });
  }
}
