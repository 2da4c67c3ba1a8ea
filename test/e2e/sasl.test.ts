import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { KafkaListener, KafkaModule, KafkaTemplate } from '../../src/index.js';
import { until } from '../../src/testing/index.js';
import { describeWith } from '../support/describe-with.js';
import { RecordingLogger } from '../support/fake-clients.js';
import { fetchKafka, type KafkaNode, startNode, whyNoKafka } from '../support/kafka-node.js';
import { Program } from '../support/program.js';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.js';

// Logins and encryption against a node of Apache Kafka that asks for them. It starts a node of its own, so it runs with
// the other tests against Apache Kafka: `npm run test:kafka`.

const cwd = fileURLToPath(new URL('../fixtures/tls/', import.meta.url));
const missing = process.env.KAFKA_BOOTSTRAP_SERVERS ? whyNoKafka() : 'it starts Apache Kafka: npm run test:kafka';
const MINUTES = 60_000;
/** A login by token counts for so long; a client renews it ten seconds before. */
const SESSION_MS = 11_000;
const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule';
const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule';
const OAUTH = 'org.apache.kafka.common.security.oauthbearer';

/** What Kafka's own documentation has users write. */
const login = (module: string, password: string) => `${module} required username="alice" password="${password}";`;

describeWith('logins at Apache Kafka', missing)('a cluster that asks who one is', () => {
  let folder: string;
  let node: KafkaNode;
  let issuer: TokenIssuer;
  let app: TestingModule | undefined;

  beforeAll(async () => {
    fetchKafka();
    folder = mkdtempSync(join(tmpdir(), 'nestdaw-sasl-'));
    const plainUsers = `${PLAIN} required username="admin" password="admin" user_alice="secret";`;
    issuer = await startTokenIssuer();
    const tokens = 'listener.name.plaintext.oauthbearer.sasl';
    node = await startNode(folder, {
      jvmArgs: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${issuer.keysUrl}`],
      formatArgs: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
        '--add-scram',
        `${mechanism}=[name=alice,password=secret]`,
      ]),
      overrides: {
        'listener.security.protocol.map': 'PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT',
        'inter.broker.listener.name': 'PLAINTEXT',
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
        'sasl.mechanism.inter.broker.protocol': 'PLAIN',
        'listener.name.plaintext.plain.sasl.jaas.config': `${plainUsers.slice(0, -1)} user_admin="admin";`,
        'listener.name.plaintext.scram-sha-256.sasl.jaas.config': `${SCRAM} required;`,
        'listener.name.plaintext.scram-sha-512.sasl.jaas.config': `${SCRAM} required;`,
        [`${tokens}.jaas.config`]: `${OAUTH}.OAuthBearerLoginModule required;`,
        [`${tokens}.server.callback.handler.class`]: `${OAUTH}.OAuthBearerValidatorCallbackHandler`,
        [`${tokens}.oauthbearer.jwks.endpoint.url`]: issuer.keysUrl,
        [`${tokens}.oauthbearer.expected.audience`]: 'kafka',
        'listener.name.plaintext.oauthbearer.connections.max.reauth.ms': String(SESSION_MS),
        'ssl.keystore.location': join(cwd, 'client.p12'),
        'ssl.keystore.type': 'PKCS12',
        'ssl.keystore.password': 'secret',
        'ssl.truststore.location': join(cwd, 'cert.pem'),
        'ssl.truststore.type': 'PEM',
        'ssl.endpoint.identification.algorithm': '',
      },
    });
  }, 2 * MINUTES);

  afterAll(async () => {
    await node?.stop();
    await issuer?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  async function application(properties: Record<string, string>) {
    const seen: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'guarded', groupId: 'g' })
      handle(value: unknown) {
        seen.push(value);
      }
    }
    const given = {
      'kafka.bootstrap-servers': `localhost:${node.port}`,
      'kafka.security.protocol': 'SASL_SSL',
      'kafka.ssl.trust-store-location': 'cert.pem',
      'kafka.consumer.auto-offset-reset': 'earliest',
      ...properties,
    };
    const logger = new RecordingLogger();
    app = await Test.createTestingModule({
      imports: [
        KafkaModule.forRoot({ cwd, env: {}, argv: [], properties: given, logger, topics: [{ name: 'guarded' }] }),
      ],
      providers: [Listener],
    }).compile();
    await app.init();
    return { template: app.get<KafkaTemplate>(KafkaTemplate), seen, logger };
  }

  it.each([
    ['PLAIN', PLAIN],
    ['SCRAM-SHA-256', SCRAM],
    ['SCRAM-SHA-512', SCRAM],
  ])(
    'lets in who says so by %s',
    async (mechanism, module) => {
      const { template, seen } = await application({
        'kafka.properties.sasl.mechanism': mechanism,
        'kafka.properties.sasl.jaas.config': login(module, 'secret'),
      });
      await template.send('guarded', { mechanism });
      const isThere = () => seen.some((value) => (value as { mechanism: string }).mechanism === mechanism);
      await until(isThere, { what: 'the record', timeoutMs: MINUTES });
      expect(seen).toContainEqual({ mechanism });
    },
    2 * MINUTES,
  );

  it(
    'answers the doctor, who logs in as the application does',
    async () => {
      const properties = join(folder, 'doctor.properties');
      const lines = (password: string) => [
        `kafka.bootstrap-servers=localhost:${node.port}`,
        'kafka.security.protocol=SASL_SSL',
        'kafka.ssl.trust-store-location=cert.pem',
        'kafka.properties.sasl.mechanism=SCRAM-SHA-256',
        `kafka.properties.sasl.jaas.config=${login(SCRAM, password)}`,
      ];
      const doctor = async (password: string) => {
        writeFileSync(properties, lines(password).join('\n'));
        const args = [join(process.cwd(), 'dist/esm/cli/main.js'), 'doctor', 'basis', '-f', properties];
        const program = new Program({
          name: 'nestdaw',
          args,
          options: { cwd, env: { PATH: process.env.PATH } },
        }).start();
        return { status: await program.ended, output: program.output };
      };
      const welcome = await doctor('secret');
      expect(welcome.output).toMatch(/^pass +cluster: /m);
      expect(welcome.status).toBe(0);
      const refused = await doctor('wrong-one');
      expect(refused.output).toMatch(/^FAIL +cluster: .*\n.*[Aa]uthentication/m);
      expect(refused.output).not.toContain('wrong-one');
      expect(refused.status).toBe(1);
    },
    2 * MINUTES,
  );

  const byToken = (scope: string) => ({
    'kafka.properties.sasl.mechanism': 'OAUTHBEARER',
    'kafka.properties.sasl.oauthbearer.token.endpoint.url': issuer.tokenUrl,
    'kafka.properties.sasl.jaas.config': `${OAUTH}.OAuthBearerLoginModule required clientId="alice" clientSecret="s" scope="${scope}";`,
  });

  it(
    'lets in who shows a token that it can check, fetched once for all connections of a client',
    async () => {
      const { template, seen } = await application(byToken('kafka'));
      await template.send('guarded', { token: true });
      await until(() => seen.some((value) => (value as { token?: boolean }).token === true), {
        what: 'the record',
        timeoutMs: MINUTES,
      });
      expect(new Set(issuer.asked)).toEqual(new Set(['alice']));
      expect(issuer.asked.length).toBeLessThanOrEqual(3);
    },
    2 * MINUTES,
  );

  it(
    'is told again who one is before a login ends, on the same connections, and no record is sent twice',
    async () => {
      const { template, seen, logger } = await application(byToken('kafka'));
      const until13 = Date.now() + SESSION_MS + 3_000;
      let sent = 0;
      for (; Date.now() < until13; sent++) {
        await template.send('guarded', { renewed: sent });
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const renewed = () => seen.flatMap((value) => (value as { renewed?: number }).renewed ?? []);
      await until(() => renewed().length >= sent, { what: 'all records', timeoutMs: MINUTES });
      expect(renewed()).toEqual(Array.from({ length: sent }, (_, index) => index));
      expect(template.metrics()).toMatchObject({ 'record-retry-total': 0, 'failed-sends-total': 0 });
      expect(logger.lines.filter((line) => /^(warn|error)/.test(line))).toEqual([]);
    },
    2 * MINUTES,
  );

  it(
    'lets nobody in with a token for somebody else',
    async () => {
      const { template } = await application({
        ...byToken('another-service'),
        'kafka.listener.startup-timeout': '0',
        'kafka.producer.properties.max.block.ms': '2s',
      });
      await expect(template.send('guarded', 'x')).rejects.toThrow(/login by token at .* which answers .*invalid_token/);
    },
    2 * MINUTES,
  );

  it(
    'lets nobody in with a wrong password, and the reason is told',
    async () => {
      const { template, logger } = await application({
        'kafka.properties.sasl.mechanism': 'SCRAM-SHA-256',
        'kafka.properties.sasl.jaas.config': login(SCRAM, 'wrong'),
        'kafka.listener.startup-timeout': '0',
        'kafka.producer.properties.max.block.ms': '2s',
      });
      await expect(template.send('guarded', 'x')).rejects.toThrow(/[Aa]uthentication/);
      expect(logger.lines.join('\n')).not.toContain('wrong');
    },
    2 * MINUTES,
  );
});
