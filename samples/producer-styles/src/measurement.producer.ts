import { Injectable, Logger } from '@nestjs/common';
import { Environment, KafkaTemplate, Producer, type SendResult, type TopicSender } from 'nestdaw';
import { Measurement } from './measurement.js';

/** The same measurement, sent in every style. */
@Injectable()
export class MeasurementProducer {
  readonly #log = new Logger(MeasurementProducer.name);
  readonly #topic: string;

  @Producer({ topic: '${measurements.topic}', key: 'sensor' })
  private readonly measurements!: TopicSender<Measurement>;

  constructor(
    private readonly template: KafkaTemplate<Measurement>,
    environment: Environment,
  ) {
    this.#topic = environment.getRequired('measurements.topic');
  }

  /** Nobody waits and nobody asks; a failure is counted and logged by the template. */
  oneway(measurement: Measurement): void {
    this.template.sendOneway(this.#topic, measurement.sensor, measurement);
  }

  /** The caller waits for the acknowledgment and gets topic, partition and offset, or the error. */
  awaited(measurement: Measurement): Promise<SendResult> {
    return this.template.send(this.#topic, measurement.sensor, measurement);
  }

  /** The caller goes on; the callbacks hear how it ended, exactly one of them. */
  callback(measurement: Measurement): void {
    this.template.send(this.#topic, measurement.sensor, measurement).then(
      ({ partition, offset }) => this.#log.log(`${measurement.sensor} is stored at ${partition}@${offset}`),
      (error: Error) => this.#log.error(`${measurement.sensor} is lost: ${error.message}`),
    );
  }

  /** What the method returns is sent; the caller gets it once it is acknowledged. */
  @Producer({ topic: '${measurements.topic}', key: 'sensor', headers: { style: 'returned' } })
  async returned(measurement: Measurement): Promise<Measurement> {
    return measurement;
  }

  /** A sender that knows its topic, its key and its type. */
  typed(measurement: Measurement): Promise<SendResult> {
    return this.measurements.send(measurement);
  }

  /** However many there are, only a few megabytes wait at a time. Goes through the producer with large batches. */
  async import(count: number): Promise<number> {
    const bulk = this.template.withProducer<Measurement>('import');
    const result = await bulk.sendAll(this.#topic, made(count), (value) => ({ key: value?.sensor }));
    return result.count;
  }
}

function* made(count: number): Generator<Measurement> {
  for (let i = 0; i < count; i++) yield { sensor: `south-${i % 1000}`, celsius: 20 + (i % 10) };
}
