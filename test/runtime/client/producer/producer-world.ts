import { seededRandom } from '../../../../src/common/random.js';
import { type OutgoingRecord } from '../../../../src/common/record.js';
import { Produce } from '../../../../src/protocol/messages/00-produce.js';
import { InMemoryCluster } from '../../../../src/runtime/client/cluster/in-memory-cluster.js';
import { KafkaProducer } from '../../../../src/runtime/client/producer/kafka-producer.js';
import { type ProducerOptions } from '../../../../src/runtime/client/producer/producer-options.js';
import { RecordingLogger } from '../../../support/fake-clients.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { ModelBroker } from '../../../support/model-broker.js';

// The whole producer over the in-memory cluster, in virtual time.

export class ProducerWorld {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly broker = new ModelBroker({ orders: 1, wide: 6, payments: 2 }, 2);
  producer!: KafkaProducer;

  async start(options: ProducerOptions = {}, isExpected?: (topic: string) => boolean): Promise<KafkaProducer> {
    const { broker, clock, logger } = this;
    const cluster = new InMemoryCluster({ exchange: broker.exchange, clock, requestTimeoutMs: 30_000 });
    const random = seededRandom(7);
    const expected = isExpected ? { isExpected } : {};
    this.producer = new KafkaProducer({
      cluster,
      clock,
      random,
      options: { lingerMs: 0, ...options },
      logger,
      ...expected,
    });
    await this.producer.start();
    return this.producer;
  }

  async stop(): Promise<void> {
    this.broker.on(Produce, () => undefined);
    const stopped = this.producer.stop();
    await this.clock.advance(300_000);
    await stopped;
  }

  values(topic = 'orders', partition = 0): string[] {
    return this.broker.records(topic, partition).map(({ value }) => String(value));
  }

  /** All that were sent, in the order in which they arrived. */
  batches(): Buffer[] {
    return this.broker
      .callsOf(Produce)
      .flatMap(({ request }) =>
        request.topicData.flatMap(({ partitionData }) => partitionData.map(({ records }) => Buffer.from(records!))),
      );
  }
}

export const text = (value: string, key: string | null = null): OutgoingRecord => ({
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(value),
});

/** Outcome of a promise without waiting for it: a rejection must not be unhandled meanwhile. */
export const outcome = <T>(promise: Promise<T>): Promise<unknown> => promise.catch((error: unknown) => error);
