import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { seededRandom } from '../../src/common/random.js';
import {
  ContainerRegistry,
  KafkaListener,
  KafkaModule,
  KafkaTemplate,
  Payload,
  Transactional,
} from '../../src/index.js';
import { KafkajsCluster } from '../../src/runtime/client/cluster/kafkajs-cluster.js';
import { KafkaProducer } from '../../src/runtime/client/producer/kafka-producer.js';
import { until } from '../../src/testing/until.js';
import { type ClientBroker, createTopic, startClientBroker } from '../support/client-broker.js';
import { readCommitted } from '../support/committed-reader.js';
import { RecordingLogger } from '../support/fake-clients.js';
import { type Exchange, type Fault, FaultProxy } from '../support/fault-proxy.js';

// Consume, transform, produce with a transactional listener while answers are lost and connections break, on our
// broker or on the Apache Kafka that KAFKA_BOOTSTRAP_SERVERS names. PROOF_CYCLES is the number of records.

const COUNT = Number(process.env.PROOF_CYCLES ?? 60);
const REQUESTS = {
  Produce: 0,
  FindCoordinator: 10,
  InitProducerId: 22,
  EndTxn: 26,
  TxnOffsetCommit: 28,
} as const;
const FAULTS = ['swallow', 'cut-before', 'cut-after'] as const;

let broker: ClientBroker;
let proxy: FaultProxy;
let input: string;
let output: string;
let runs = 0;
const cleanUp: Array<() => unknown> = [];

beforeEach(async () => {
  broker = await startClientBroker();
  cleanUp.push(() => broker.stop());
  proxy = await FaultProxy.start(broker.address);
  cleanUp.push(() => proxy.stop());
  input = await createTopic(broker.address, 2);
  output = await createTopic(broker.address, 2);
});
afterEach(async () => {
  proxy.decide = () => 'pass';
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function start(properties: Record<string, string> = {}): Promise<INestApplicationContext> {
  const run = `${process.pid}-${process.hrtime.bigint()}-${++runs}`;
  @Injectable()
  class Copying {
    constructor(readonly template: KafkaTemplate) {}

    @KafkaListener({ id: 'copy', groupId: run, topics: input, workers: 4, order: 'key' })
    @Transactional('kafka')
    async copy(@Payload() value: number): Promise<void> {
      await this.template.send(output, `k${value % 7}`, `copy of ${value}`);
    }
  }
  const options = {
    cwd: '/nowhere',
    env: {},
    argv: [],
    logger: new RecordingLogger(),
    properties: {
      'kafka.bootstrap-servers': proxy.address,
      'kafka.producer.transaction-id-prefix': `${run}-`,
      'kafka.producer.properties.request.timeout.ms': '200',
      'kafka.producer.properties.retry.backoff.ms': '10',
      'kafka.consumer.properties.request.timeout.ms': '500',
      'kafka.consumer.fetch-max-wait': '100',
      'kafka.consumer.auto-offset-reset': 'earliest',
      'kafka.consumer.isolation-level': 'read_committed',
      'kafka.consumer.max-poll-records': '10',
      ...properties,
    },
  };
  const module = await Test.createTestingModule({
    imports: [KafkaModule.forRoot(options)],
    providers: [Copying],
  }).compile();
  const app = module.createNestApplication({ logger: false });
  cleanUp.push(() => app.close());
  await app.init();
  return app;
}

async function feed(): Promise<void> {
  const producer = new KafkaProducer({ cluster: new KafkajsCluster({ bootstrapServers: [broker.address] }) });
  await producer.start();
  const sent = Array.from({ length: COUNT }, (_, value) =>
    producer.send(input, value % 2, { key: Buffer.from(`k${value % 5}`), value: Buffer.from(String(value)) }),
  );
  await Promise.all(sent);
  await producer.stop();
}

const copies = Array.from({ length: COUNT }, (_, value) => `copy of ${value}`).sort();

async function untilCopied(): Promise<void> {
  const seen = await until(
    async () => {
      const values = (await readCommitted(broker.address, output)).map(({ value }) => String(value)).sort();
      return new Set(values).size === COUNT && values;
    },
    { timeoutMs: 60_000, everyMs: 50, what: 'a copy of everything' },
  );
  expect(seen).toEqual(copies);
}

describe('exactly once through faults', () => {
  it.each(Object.entries(REQUESTS))(
    'copies each record once when answers to %s are lost',
    async (_name, key) => {
      const random = seededRandom(key + 1);
      let left = 6;
      proxy.decide = ({ apiKey }: Exchange): Fault => {
        if (apiKey !== key || left === 0 || (left < 6 && random.next() < 0.4)) return 'pass';
        left--;
        return FAULTS[left % FAULTS.length]!;
      };
      await start();
      await feed();
      await untilCopied();
      expect(left).toBeLessThan(6);
    },
    90_000,
  );

  it('finds out whether a commit happened that nobody answered', async () => {
    let swallowed = 0;
    proxy.decide = ({ apiKey }: Exchange): Fault => {
      if (apiKey !== REQUESTS.EndTxn || swallowed >= 8) return 'pass';
      // The broker commits some of them, and hears of the others only when somebody else has taken over.
      return swallowed++ % 4 < 2 ? 'swallow' : 'cut-before';
    };
    const app = await start({
      'kafka.producer.properties.max.block.ms': '300',
      'kafka.producer.properties.request.timeout.ms': '150',
    });
    await feed();
    await untilCopied();
    expect(swallowed).toBe(8);
    expect(app.get(ContainerRegistry).list()[0]!.state).toBe('running');
  }, 90_000);
});
