import { describe, expect, it } from '@jest/globals';
import { InitProducerId } from '../../../../src/protocol/messages/22-init-producer-id.js';
import { InMemoryCluster } from '../../../../src/runtime/client/cluster/in-memory-cluster.js';
import { clusterSuite } from '../../../conformance/cluster.suite.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { HANG, ModelBroker } from '../../../support/model-broker.js';

clusterSuite({
  name: 'in memory',
  create: (broker, options) => Promise.resolve(new InMemoryCluster({ exchange: broker.exchange, ...options })),
});

describe('in-memory cluster', () => {
  it('lives in the time of its clock', async () => {
    const clock = new ManualClock();
    const broker = new ModelBroker();
    const cluster = new InMemoryCluster({ exchange: broker.exchange, clock });
    await cluster.connect();
    broker.on(InitProducerId, () => HANG);
    const asked = cluster.send(1, InitProducerId, 1, { transactionTimeoutMs: 1 }).catch((error: unknown) => error);
    await clock.advance(30_000);
    expect(await asked).toMatchObject({ code: 'KAFKA_REQUEST_TIMEOUT' });
    await cluster.close();
  });

  it('asks anew for a topic when what it knows is old', async () => {
    const clock = new ManualClock();
    const broker = new ModelBroker({ orders: 1 });
    const cluster = new InMemoryCluster({ exchange: broker.exchange, clock, metadataMaxAgeMs: 1000 });
    await cluster.connect();
    await cluster.partitionsOf('orders');
    broker.createTopic('orders', 3);
    await clock.advance(900);
    expect(await cluster.partitionsOf('orders')).toHaveLength(1);
    await clock.advance(200);
    expect(await cluster.partitionsOf('orders')).toHaveLength(3);
    await cluster.close();
  });
});
