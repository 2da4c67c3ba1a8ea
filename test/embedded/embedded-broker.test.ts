import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { deferred } from '../../src/common/lifecycle.js';
import { silentLogger } from '../../src/common/logger.js';
import { type BrokerThread, startBrokerThread } from '../../src/embedded/broker-thread.js';
import {
  type EmbeddedBroker,
  type EmbeddedBrokerEvent,
  type EmbeddedBrokerOptions,
  startEmbeddedBroker,
} from '../../src/embedded/embedded-broker.js';
import { KafkajsCluster } from '../../src/runtime/client/cluster/kafkajs-cluster.js';

let dataDir: string;
const running: EmbeddedBroker[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'embedded-'));
});

afterEach(async () => {
  for (const broker of running.splice(0)) await broker.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(options: Partial<EmbeddedBrokerOptions> = {}): Promise<EmbeddedBroker> {
  const broker = await startEmbeddedBroker({ dataDir, host: '127.0.0.1', port: 0, logger: silentLogger, ...options });
  running.push(broker);
  return broker;
}

function next(broker: EmbeddedBroker, type: EmbeddedBrokerEvent['type']): Promise<EmbeddedBrokerEvent> {
  return new Promise((resolve) => broker.onEvent((event) => event.type === type && resolve(event)));
}

async function topicsOf(bootstrapServers: string, topic: string): Promise<number> {
  const cluster = new KafkajsCluster({ bootstrapServers: [bootstrapServers] });
  await cluster.connect();
  const partitions = await cluster.partitionsOf(topic);
  await cluster.close();
  return partitions?.length ?? 0;
}

describe('the embedded broker', () => {
  it('runs in a thread and keeps its port and its topics over a restart', async () => {
    const first = await start({ port: undefined, config: { 'num.partitions': '3' } });
    expect(first.role).toBe('host');
    expect(await topicsOf(first.bootstrapServers, 'kept')).toBe(3);
    const { bootstrapServers } = first;
    await first.stop();
    const second = await start({ port: undefined });
    expect(second.bootstrapServers).toBe(bootstrapServers);
    expect(await topicsOf(second.bootstrapServers, 'kept')).toBe(3);
  }, 20_000);

  it('takes another port when the usual one is taken', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(9092, '127.0.0.1', resolve).once('error', () => resolve()));
    const broker = await start({ port: undefined });
    expect(broker.bootstrapServers).not.toBe('127.0.0.1:9092');
    await new Promise((resolve) => squatter.close(resolve));
  }, 20_000);

  it('refuses a port that was asked for by number and is taken, naming it', async () => {
    const squatter = createServer();
    const port = await new Promise<number>((resolve) => {
      squatter.listen(0, '127.0.0.1', () => resolve((squatter.address() as { port: number }).port));
    });
    await expect(start({ port })).rejects.toMatchObject({
      code: 'KAFKA_BROKER_START_FAILED',
      message: expect.stringContaining(String(port)),
    });
    await new Promise((resolve) => squatter.close(resolve));
  }, 20_000);

  it('is joined by a second application; when the host ends exactly one of the rest takes over on the same port', async () => {
    const host = await start();
    const guests = [await start(), await start()];
    expect(guests.map(({ role }) => role)).toEqual(['guest', 'guest']);
    expect(guests.map(({ bootstrapServers }) => bootstrapServers)).toEqual(Array(2).fill(host.bootstrapServers));
    await topicsOf(host.bootstrapServers, 'shared');
    const settled = guests.map((guest) => Promise.race([next(guest, 'taken-over'), next(guest, 'joined')]));
    await host.stop();
    const events = await Promise.all(settled);
    expect(events.map(({ type }) => type).sort()).toEqual(['joined', 'taken-over']);
    expect(guests.map(({ role }) => role).sort()).toEqual(['guest', 'host']);
    expect(guests[0]!.bootstrapServers).toBe(host.bootstrapServers);
    expect(await topicsOf(host.bootstrapServers, 'shared')).toBe(1);
  }, 20_000);

  it('is started again on the same port when its thread dies, and says so', async () => {
    const death = deferred<Error | undefined>();
    let threads = 0;
    let die = async (): Promise<void> => undefined;
    const startThread: typeof startBrokerThread = async (data, logger) => {
      const thread = (await startBrokerThread(data, logger))!;
      if (threads++ > 0) return thread;
      const dying: BrokerThread = { ...thread, ended: death.promise };
      die = async () => {
        await thread.stop();
        death.resolve(new Error('out of luck'));
      };
      return dying;
    };
    const broker = await start({ startThread });
    const { bootstrapServers } = broker;
    const [down, restarted] = [next(broker, 'down'), next(broker, 'restarted')];
    await die();
    expect(await down).toMatchObject({ error: { message: 'out of luck' } });
    expect(await restarted).toMatchObject({ bootstrapServers });
    expect(threads).toBeGreaterThan(1);
  }, 20_000);
});
