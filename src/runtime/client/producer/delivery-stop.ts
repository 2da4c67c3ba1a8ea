import { NestdawError } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { type TopicPartition, TopicPartitionMap } from '../../../common/topic-partition.js';

// onDeliveryFailure: 'stop'. Once a record of a partition is lost, nothing may overtake it: what comes later is refused
// at once, until somebody who has looked at the loss says to go on.

/** A partition that takes no records since one was lost; `partition` undefined: the whole topic. */
export interface StoppedDelivery {
  readonly topic: string;
  readonly partition: number | undefined;
  /** What the lost record failed with. */
  readonly error: Error;
}

export class DeliveryStop {
  readonly #partitions = new TopicPartitionMap<Error>();
  /** Topics of which a record was lost before it had a partition. */
  readonly #topics = new Map<string, Error>();

  readonly #logger: Logger;
  readonly #onStopped: ((stopped: StoppedDelivery) => void) | undefined;

  constructor(logger: Logger, onStopped?: (stopped: StoppedDelivery) => void) {
    this.#logger = logger;
    this.#onStopped = onStopped;
  }

  get isEmpty(): boolean {
    return this.#partitions.size === 0 && this.#topics.size === 0;
  }

  /** Stops a partition, or a whole topic, and says so. False when it was stopped before. */
  add(topic: string, partition: number | undefined, error: Error): boolean {
    if (partition === undefined ? this.#topics.has(topic) : this.#partitions.has(topic, partition)) return false;
    if (partition === undefined) this.#topics.set(topic, error);
    else this.#partitions.set(topic, partition, error);
    const place = partition === undefined ? topic : `${topic}-${partition}`;
    this.#logger.error(
      `a record for ${place} is lost, and nothing may overtake it: later ones are refused until resume is called: ${error.message}`,
      error,
    );
    // Told when this turn is over: whoever is told may resume, and what waits behind the lost record is refused first.
    queueMicrotask(() => this.#onStopped?.({ topic, partition, error }));
    return true;
  }

  /** The error for a record that would overtake a lost one. */
  refusalOf(topic: string, partition: number | undefined): NestdawError | undefined {
    if (this.isEmpty) return undefined;
    const ofTopic = this.#topics.get(topic);
    if (ofTopic) return overtaking(topic, ofTopic, `resume('${topic}')`);
    const error = partition === undefined ? undefined : this.#partitions.get(topic, partition);
    return error && overtaking(`${topic}-${partition}`, error, `resume('${topic}', ${partition})`);
  }

  /** Lets a partition go on, a whole topic, or everything. */
  remove(topic?: string, partition?: number): void {
    for (const stopped of this.list()) {
      if (topic !== undefined && stopped.topic !== topic) continue;
      if (partition !== undefined && stopped.partition !== undefined && stopped.partition !== partition) continue;
      if (stopped.partition === undefined) this.#topics.delete(stopped.topic);
      else this.#partitions.delete(stopped.topic, stopped.partition);
    }
  }

  list(): StoppedDelivery[] {
    const whole = [...this.#topics].map(([topic, error]) => ({ topic, partition: undefined, error }));
    const single = [...this.#partitions.topics()].flatMap((topic) =>
      [...this.#partitions.topic(topic)!].map(([partition, error]) => ({ topic, partition, error })),
    );
    return [...whole, ...single];
  }

  has({ topic, partition }: TopicPartition): boolean {
    return this.#topics.has(topic) || this.#partitions.has(topic, partition);
  }
}

function overtaking(place: string, lost: Error, call: string): NestdawError {
  return new NestdawError(
    'KAFKA_DELIVERY_FAILED',
    `${place} takes no records since one was lost, which nothing may overtake (producer.on-delivery-failure=stop); see to the lost one, then call ${call} of the template. It failed with: ${lost.message}`,
    { cause: lost },
  );
}
