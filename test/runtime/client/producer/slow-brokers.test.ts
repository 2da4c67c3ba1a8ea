import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../../../src/common/random.js';
import { Produce } from '../../../../src/protocol/messages/00-produce.js';
import { InMemoryCluster } from '../../../../src/runtime/client/cluster/in-memory-cluster.js';
import { KafkaProducer } from '../../../../src/runtime/client/producer/kafka-producer.js';
import { type ProducerOptions } from '../../../../src/runtime/client/producer/producer-options.js';
import { ManualClock, flush as settle } from '../../../support/manual-clock.js';
import { HANG, ModelBroker } from '../../../support/model-broker.js';

// Records without a key beside a broker that does not answer, in virtual time: two brokers, three partitions each.

const SLOW = 2;
const AVAILABILITY_MS = 1_000;

describe('a broker that takes nothing', () => {
  let broker: ModelBroker;
  let clock: ManualClock;
  let producer: KafkaProducer;

  beforeEach(() => {
    clock = new ManualClock();
    broker = new ModelBroker({ wide: 6 }, 2);
  });

  afterEach(async () => {
    broker.on(Produce, () => undefined);
    const stopped = producer.stop();
    await clock.advance(300_000);
    await stopped;
  });

  /** Starts with the second broker hung, and has given it as much as it takes. */
  const startBeside = async (options: ProducerOptions): Promise<void> => {
    producer = new KafkaProducer({
      cluster: new InMemoryCluster({ exchange: broker.exchange, clock, requestTimeoutMs: 30_000 }),
      clock,
      random: seededRandom(7),
      options: { lingerMs: 0, batchSize: 1, maxInFlightRequestsPerConnection: 1, ...options },
    });
    await producer.start();
    await producer.partitionsFor('wide');
    broker.on(Produce, ({ nodeId }) => (nodeId === SLOW ? HANG : undefined));
    await sendKeyless(12);
  };

  /** How many of these records went to the slow broker: those that are not acknowledged at once, or by it. */
  const sendKeyless = async (count: number): Promise<number> => {
    let elsewhere = 0;
    for (let i = 0; i < count; i++) {
      const sent = producer.send('wide', undefined, { key: null, value: Buffer.from('x') });
      sent.then(
        ({ partition }) => (elsewhere += broker.partition('wide', partition).leader === SLOW ? 0 : 1),
        () => undefined,
      );
      await settle();
    }
    return count - elsewhere;
  };

  it('gets fewer records without a key', async () => {
    await startBeside({});
    await clock.advance(AVAILABILITY_MS + 1);
    const slow = await sendKeyless(60);
    expect(slow).toBeGreaterThan(0);
    expect(slow).toBeLessThan(30);
  });

  it('gets none after partitioner.availability.timeout.ms, and its share again once it takes some', async () => {
    await startBeside({ partitionerAvailabilityTimeoutMs: AVAILABILITY_MS });
    expect(await sendKeyless(60)).toBeGreaterThan(0); // not yet
    await clock.advance(AVAILABILITY_MS + 1);
    expect(await sendKeyless(60)).toBe(0);
    broker.on(Produce, () => undefined);
    await clock.advance(40_000);
    const slow = await sendKeyless(60);
    expect(Math.abs(slow - 30)).toBeLessThanOrEqual(3); // what it was owed counts too
  });

  it('is tried again also when nothing waits for it any more', async () => {
    await startBeside({ partitionerAvailabilityTimeoutMs: AVAILABILITY_MS, deliveryTimeoutMs: 30_000 });
    await clock.advance(61_000); // what waited was given up
    broker.on(Produce, () => undefined);
    expect(await sendKeyless(60)).toBeGreaterThan(0);
  });
});
