import { afterEach, describe, expect, it } from '@jest/globals';
import { Broker } from '../../../../src/broker/broker.js';
import { MemoryFileSystem } from '../../../../src/broker/log/disk/memory-file-system.js';
import { seededRandom } from '../../../../src/common/random.js';
import { KafkajsCluster } from '../../../../src/runtime/client/cluster/kafkajs-cluster.js';
import { KafkaProducer } from '../../../../src/runtime/client/producer/kafka-producer.js';
import { type RecordMetadata } from '../../../../src/runtime/client/producer-client.js';
import { readConfiguration } from '../../../../src/runtime/config/load-configuration.js';
import { producerOptions } from '../../../../src/runtime/nest/connection/client-options.js';
import { createTopicNamed, readAll } from '../../../support/client-broker.js';
import { FaultProxy } from '../../../support/fault-proxy.js';

// producer.profile=no-loss over a broker that dies in the middle of its work, at any operation on its files or just
// after it, when records are stored and nobody is told, and comes back on what is left of them.

const KILLS = 20;
const PER_LIFE = 40;
const TOPIC = 'orders';

class MortalBroker {
  readonly fileSystem = new MemoryFileSystem();
  #broker!: Broker;
  port = 0;
  deaths = 0;

  async start(): Promise<void> {
    const { fileSystem, port } = this;
    this.#broker = await Broker.start({ port, dataDir: '/data', fileSystem });
    this.port = Number(this.address.split(':').at(-1));
  }

  get address(): string {
    return this.#broker.bootstrapServers;
  }

  /**
   * Resolves when it has died at the given operation from now on, the last one that reaches its files; from then on
   * nobody hears from it.
   */
  dieAt(operation: number, silence: () => void): Promise<void> {
    let left = operation;
    return new Promise((dead) => {
      this.fileSystem.onOperation = () => {
        if (left-- > 0) return undefined;
        if (left < -1) return { code: 'EIO', crash: true };
        silence();
        dead();
        return undefined;
      };
    });
  }

  async rise(): Promise<void> {
    await this.stop();
    this.deaths++;
    this.fileSystem.onOperation = undefined;
    await this.start();
  }

  async stop(): Promise<void> {
    await this.#broker.stop().catch(() => undefined);
  }
}

describe('the profile no-loss', () => {
  const broker = new MortalBroker();
  let proxy: FaultProxy;
  let producer: KafkaProducer | undefined;

  afterEach(async () => {
    await producer?.stop();
    await proxy.stop();
    await broker.stop();
  });

  it(`has what was sent stored, once and in order, while its broker is killed ${KILLS} times`, async () => {
    await broker.start();
    proxy = await FaultProxy.start(broker.address);
    await createTopicNamed(broker.address, TOPIC, 1);
    const { properties } = readConfiguration({
      cwd: '/nowhere',
      env: {},
      argv: [],
      properties: {
        'kafka.producer.profile': 'no-loss',
        'kafka.producer.batch-size': '1KB',
        'kafka.producer.properties.retry.backoff.ms': '5ms',
        'kafka.producer.properties.retry.backoff.max.ms': '50ms',
      },
    });
    const cluster = new KafkajsCluster({ bootstrapServers: [proxy.address] });
    producer = new KafkaProducer({ cluster, options: producerOptions(properties) });
    await producer.start();

    const random = seededRandom(33);
    const sent: Array<Promise<RecordMetadata>> = [];
    const value = (index: number) => `record ${index}`.padEnd(180);
    while (broker.deaths < KILLS) {
      const dead = broker.dieAt(Math.floor(random.next() * 6), () => proxy.down());
      for (let i = 0; i < PER_LIFE; i++) {
        sent.push(producer.send(TOPIC, 0, { key: null, value: Buffer.from(value(sent.length)) }));
      }
      await dead;
      await broker.rise();
      proxy.up();
    }
    const metadata = await Promise.all(sent);

    expect(metadata.map(({ offset }) => offset)).toEqual(sent.map((_, index) => index));
    const stored = await readAll(broker.address, TOPIC, 0);
    expect(stored.map((record) => String(record.value))).toEqual(sent.map((_, index) => value(index)));
    expect(producer.stopped()).toEqual([]);
  });
});
