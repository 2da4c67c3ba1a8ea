import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from '@jest/globals';
import { EmbeddedKafka } from '../../src/testing/embedded-kafka.js';
import { records } from '../support/broker-app.js';

// A broker that goes away and comes back, seen from a process that does nothing but listen: no other connection or
// timer would keep it alive.

const fixture = fileURLToPath(new URL('./fixtures/listening.mjs', import.meta.url));
let folder: string;
let child: ChildProcess;
let kafka: EmbeddedKafka;

afterEach(async () => {
  child.kill('SIGKILL');
  await kafka.stop();
  rmSync(folder, { recursive: true, force: true });
});

it.each(['group', 'partition'])('a listener of a %s outlives its broker and goes on', async (kind) => {
  folder = mkdtempSync(join(tmpdir(), 'outage-'));
  kafka = await EmbeddedKafka.start({ dataDir: folder, topics: ['jobs'] });
  const { port } = kafka.broker;
  await kafka.produce('jobs', 0, records(['first']));
  child = spawn(process.execPath, [fixture, kafka.bootstrapServers, kind], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout!)[Symbol.asyncIterator]();
  const said = async () => (await lines.next()).value as string;
  expect(await said()).toBe('done first');
  await kafka.stop();
  const next = said();
  const tried = tries(port, 3).then(() => 'tries to connect');
  expect(await Promise.race([next, tried])).toBe('tries to connect');
  kafka = await EmbeddedKafka.start({ dataDir: folder, port });
  await kafka.produce('jobs', 0, records(['second']));
  expect(await next).toBe('done second');
});

/** Resolves when somebody has tried so often to connect to the port, in vain; it is free again then. */
async function tries(port: number, count: number): Promise<void> {
  const door = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
  for (let seen = 0; seen < count; seen++) await once(door, 'connection');
  door.close();
  await once(door, 'close');
}
