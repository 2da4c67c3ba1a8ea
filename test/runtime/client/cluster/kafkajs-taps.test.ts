import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import kafkajs from 'kafkajs';
import { tapKafkajs } from '../../../../src/runtime/client/cluster/kafkajs-taps.js';

// Kafkajs is pinned and its insides are used: a patched, forked or replaced package must fail here by name.

const require = createRequire(import.meta.url);

const PINNED: Record<string, string> = {
  index: '38d0022e448f0aaa',
  'cluster/index': '3831a6845e4e9fb0',
  'cluster/brokerPool': '9994863e891ac2ab',
  'network/connection': '2a993b2e74421ca6',
  'network/connectionPool': 'ecba4ba6fc4f2a6e',
  'network/requestQueue/index': 'b55986089c14f8f7',
  'network/requestQueue/socketRequest': 'dde28f8e26c6d17f',
  'protocol/request': '2270900ca6474026',
  'consumer/index': 'cdf5b3d7c67364b2',
  'consumer/runner': 'fad3247df2e3ba48',
  'consumer/consumerGroup': 'f3e461738585a8dc',
};

describe('the pinned kafkajs', () => {
  const root = dirname(require.resolve('kafkajs/package.json'));

  it('is version 2.2.4', () => {
    expect((require('kafkajs/package.json') as { version: string }).version).toBe('2.2.4');
  });

  it('has the insides that the taps were written for', () => {
    const found = Object.fromEntries(
      Object.keys(PINNED).map((name) => {
        const source = readFileSync(join(root, 'src', `${name}.js`));
        return [name, createHash('sha256').update(source).digest('hex').slice(0, 16)];
      }),
    );
    expect(found).toEqual(PINNED);
  });

  it('makes clusters through its own symbol', () => {
    const symbols = Object.getOwnPropertySymbols(new kafkajs.Kafka({ brokers: ['x:1'] }));
    expect(symbols.map(({ description }) => description)).toContain('private:Kafka:createCluster');
  });
});

describe('kafkajs taps', () => {
  const config = { brokers: ['localhost:1'] };

  it('reach a connection that is not open', async () => {
    const broker = await tapKafkajs(config).broker('localhost', 1);
    expect(broker.connection.isConnected()).toBe(false);
  });

  const missing = (act: (cluster: any) => void) => {
    const { Kafka } = kafkajs;
    class Patched extends Kafka {
      constructor(options: any) {
        super(options);
        const [symbol] = Object.getOwnPropertySymbols(this).filter(({ description }) =>
          description?.endsWith('createCluster'),
        );
        const stock = (this as any)[symbol!];
        (this as any)[symbol!] = (options: unknown) => {
          const cluster = stock(options);
          act(cluster);
          return cluster;
        };
      }
    }
    (kafkajs as any).Kafka = Patched;
    try {
      return tapKafkajs(config);
    } finally {
      (kafkajs as any).Kafka = Kafka;
    }
  };

  it('name the member of the cluster that is missing', () => {
    expect(() => missing((cluster) => delete cluster.connectionPoolBuilder.build)).toThrow(
      /cluster\.connectionPoolBuilder\.build.*kafkajs 2\.2\.4/,
    );
    expect(() => missing((cluster) => delete cluster.brokerPool)).toThrow(
      expect.objectContaining({ code: 'KAFKA_TRANSPORT_INCOMPATIBLE' }),
    );
  });

  it('name the member of a connection that is missing', async () => {
    const taps = missing((cluster) => {
      const { build } = cluster.connectionPoolBuilder;
      cluster.connectionPoolBuilder.build = async (address: unknown) => {
        const pool = await build(address);
        pool.pool[0].rejectRequests = undefined;
        return pool;
      };
    });
    await expect(taps.broker('localhost', 1)).rejects.toThrow('connection.rejectRequests');
  });

  it('stop the timer that an idle queue would re-arm for ever', async () => {
    const { connection } = await tapKafkajs(config).broker('localhost', 1);
    const queue = connection.requestQueue as any;
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).toBeNull();
    queue.pending.push({});
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).not.toBeNull();
    queue.destroy();
  });
});
