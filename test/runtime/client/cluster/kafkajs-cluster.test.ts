import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { KafkajsCluster } from '../../../../src/runtime/client/cluster/kafkajs-cluster.js';
import { clusterSuite } from '../../../conformance/cluster.suite.js';
import { ModelBroker } from '../../../support/model-broker.js';

clusterSuite({
  name: 'kafkajs',
  create: async (broker, options) => {
    const bootstrapServers = broker.openServers > 0 ? broker.addresses() : await broker.listen();
    return new KafkajsCluster({ bootstrapServers, ...options });
  },
});

describe('kafkajs cluster', () => {
  it('names every bootstrap server that it tried, and why', async () => {
    const cluster = new KafkajsCluster({ bootstrapServers: ['127.0.0.1:1', '[::1]:2'] });
    await expect(cluster.connect()).rejects.toMatchObject({
      code: 'KAFKA_CONNECTION_FAILED',
      retriable: true,
      message: expect.stringMatching(/127\.0\.0\.1:1: .*ECONNREFUSED.*; \[::1\]:2: .*Check bootstrap\.servers/),
    });
    await cluster.close();
  });

  it('goes on to the next bootstrap server', async () => {
    const broker = new ModelBroker({ orders: 1 });
    const [address] = await broker.listen();
    const cluster = new KafkajsCluster({ bootstrapServers: ['127.0.0.1:1', address!] });
    await cluster.connect();
    expect(cluster.nodes()).toHaveLength(1);
    await cluster.close();
    await broker.stop();
  });

  it('gives a server up that accepts and says nothing, and leaves no socket behind', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined).resume();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const cluster = new KafkajsCluster({ bootstrapServers: [`127.0.0.1:${port}`], connectionSetupTimeoutMs: 50 });
    await expect(cluster.connect()).rejects.toThrow(/no connection within 50 ms/);
    const open = sockets.filter((socket) => !socket.destroyed);
    await Promise.all(open.map((socket) => new Promise((done) => socket.once('close', done))));
    await cluster.close();
    await new Promise((resolve) => server.close(resolve));
  });

  it('can be closed while it connects', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const cluster = new KafkajsCluster({ bootstrapServers: [`127.0.0.1:${port}`] });
    const connecting = cluster.connect().catch((error: unknown) => error);
    await new Promise((resolve) => server.once('connection', resolve));
    await cluster.close();
    expect(await connecting).toMatchObject({ code: 'KAFKA_STOPPED' });
    await new Promise((resolve) => server.close(resolve));
  });

  it('tells the broker its client id', async () => {
    const broker = new ModelBroker();
    const cluster = new KafkajsCluster({ bootstrapServers: await broker.listen(), clientId: 'orders-app' });
    await cluster.connect();
    expect(new Set(broker.calls.map(({ clientId }) => clientId))).toEqual(new Set(['orders-app']));
    await cluster.close();
    await broker.stop();
  });

  it('refuses what is not an address, all mistakes at once', () => {
    expect(() => new KafkajsCluster({ bootstrapServers: ['localhost', 'a:0', 'b:9092'] })).toThrow(
      expect.objectContaining({
        code: 'KAFKA_CONFIG_INVALID',
        message: expect.stringMatching(/"localhost", "a:0" is not host:port/),
      }),
    );
    expect(() => new KafkajsCluster({ bootstrapServers: [' '] })).toThrow(/bootstrap\.servers is empty/);
  });
});
