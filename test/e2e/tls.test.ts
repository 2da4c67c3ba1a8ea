import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer as createPlainServer } from 'node:net';
import { join } from 'node:path';
import { createServer, type Server, type TlsOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { KafkaListener, KafkaModule, KafkaTemplate } from '../../src/index.js';
import { EmbeddedKafka } from '../../src/testing/index.js';
import { RecordingLogger } from '../support/fake-clients.js';

// Encrypted connections, from the lines of a configuration to the bytes: a server that ends TLS stands before the
// broker.

const cwd = fileURLToPath(new URL('../fixtures/tls/', import.meta.url));
const pem = (name: string) => readFileSync(join(cwd, name), 'utf8');
let ends: Array<() => Promise<unknown>> = [];

afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

async function freePort(): Promise<number> {
  const probe = createPlainServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** A broker that tells clients the address of a TLS server before it. */
async function behindTls(
  options: TlsOptions = {},
): Promise<{ servers: string; kafka: EmbeddedKafka; names: string[] }> {
  const port = await freePort();
  const kafka = await EmbeddedKafka.start({
    topics: ['t'],
    config: { 'advertised.listeners': `PLAINTEXT://localhost:${port}` },
  });
  const names: string[] = [];
  const inner = kafka.broker.port;
  const server: Server = createServer({ cert: pem('cert.pem'), key: pem('key.pem'), ...options }, (socket) => {
    names.push((socket.getPeerCertificate().subject as { CN?: string } | undefined)?.CN ?? 'nobody');
    const plain = connect(inner, '127.0.0.1');
    socket.pipe(plain).pipe(socket);
    for (const end of [socket, plain]) end.on('error', () => end.destroy());
    socket.once('close', () => plain.destroy());
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  ends.push(
    () => kafka.stop(),
    () => new Promise((resolve) => server.close(resolve)),
  );
  return { servers: `localhost:${port}`, kafka, names };
}

async function application(properties: Record<string, string>) {
  const seen: unknown[] = [];
  @Injectable()
  class Listener {
    @KafkaListener({ topics: 't', groupId: 'g' })
    handle(value: any) {
      seen.push(value);
    }
  }
  const given = { 'kafka.security.protocol': 'SSL', 'kafka.consumer.auto-offset-reset': 'earliest', ...properties };
  const logger = new RecordingLogger();
  const module = await Test.createTestingModule({
    imports: [KafkaModule.forRoot({ cwd, env: {}, argv: [], properties: given, logger })],
    providers: [Listener],
  }).compile();
  ends.push(() => module.close());
  return { module, seen, logger };
}

describe('TLS', () => {
  it('trusts what the configuration trusts, and carries records both ways', async () => {
    const { servers, kafka } = await behindTls();
    const properties = { 'kafka.bootstrap-servers': servers, 'kafka.ssl.trust-store-location': 'cert.pem' };
    const { module, seen } = await application(properties);
    await module.init();
    await module.get(KafkaTemplate).send('t', { n: 1 });
    await kafka.untilConsumed('g', 't');
    expect(seen).toEqual([{ n: 1 }]);
  });

  it.each([
    ['PEM', { 'kafka.ssl.key-store-location': 'client.pem' }],
    [
      'PKCS12',
      {
        'kafka.ssl.key-store-location': 'client.p12',
        'kafka.ssl.key-store-password': 'secret',
        'kafka.ssl.trust-store-location': 'trust-java.p12',
        'kafka.ssl.trust-store-password': 'secret',
      },
    ],
  ])('shows its own certificate from %s', async (_kind, keyStore) => {
    const { servers, names } = await behindTls({ requestCert: true, ca: pem('cert.pem') });
    const properties: Record<string, string> = {
      'kafka.bootstrap-servers': servers,
      'kafka.ssl.trust-store-location': 'cert.pem',
      ...keyStore,
    };
    const { module } = await application(properties);
    await module.init();
    await module.get(KafkaTemplate).send('t', 'x');
    expect(new Set(names)).toEqual(new Set(['localhost']));
  });

  it('does not talk to a server that it does not trust', async () => {
    const { servers, names } = await behindTls();
    const { module, logger } = await application({
      'kafka.bootstrap-servers': servers,
      'kafka.listener.startup-timeout': '0',
      'kafka.producer.properties.max.block.ms': '1s',
    });
    await module.init();
    await expect(module.get(KafkaTemplate).send('t', 'x')).rejects.toMatchObject({
      message: expect.stringMatching(/max\.block\.ms.*self.signed/),
      cause: expect.objectContaining({ message: expect.stringMatching(/self.signed/) }),
    });
    expect(names).toEqual([]);
    expect(logger.lines.join('\n')).toMatch(/self.signed certificate/);
  });
});
