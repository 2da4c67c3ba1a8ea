import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../src/common/clock.js';
import {
  CONFIG_NAMES,
  type ConfigName,
  keyOf,
  PROPERTIES_WITHOUT_EFFECT,
} from '../../../src/runtime/config/config-keys.js';
import { knownNames } from '../../../src/runtime/config/known-names.js';
import { type Configuration, readConfiguration } from '../../../src/runtime/config/load-configuration.js';
import { describeMistake, type Mistake } from '../../../src/runtime/config/mistakes.js';
import { judgeNames } from '../../../src/runtime/config/name-judge.js';
import { securitySettings } from '../../../src/runtime/config/security/security.js';
import { canonicalName } from '../../../src/runtime/config/sources/property-source.js';
import {
  consumerNumbers,
  containerNumbers,
  payloadFormats,
  producerOptions,
  templateOptions,
} from '../../../src/runtime/nest/connection/client-options.js';
import {
  adminRequest,
  configuredServers,
  consumerRequest,
  producerRequest,
  saslOf,
} from '../../../src/runtime/nest/connection/cluster-request.js';
import { transactionOptions } from '../../../src/runtime/nest/connection/connection-transactions.js';
import { embeddedOptions } from '../../../src/runtime/nest/connection/embedded-options.js';
import { endpointNumbers } from '../../../src/runtime/nest/declarations/endpoint-options.js';
import { configuredRetries } from '../../../src/runtime/nest/retries/retry-options.js';
import { deserializerSettings, serializerSettings } from '../../../src/runtime/nest/serdes/serde-settings.js';

// No key is accepted and ignored. Every key of the table is set here, alone, beside what it needs: either something of
// what clients, containers and the broker are given changes, or the application is told why nothing does.

const tls = fileURLToPath(new URL('../../fixtures/tls/', import.meta.url));
const pem = (name: string) => readFileSync(join(tls, name), 'utf8');

type Properties = Readonly<Record<string, string>>;

function configurationOf(properties: Properties): Configuration {
  return readConfiguration({ cwd: tls, env: {}, argv: [], properties });
}

/** Everything that leaves the configuration, as text; not where it was said, which is no effect. */
function observed(given: Properties): string {
  const configuration = configurationOf(given);
  const { properties, environment } = configuration;
  const mistakes: Mistake[] = [...configuration.mistakes];
  const security = securitySettings(configuration, mistakes);
  const logins = [security.consumer, security.producer, security.admin].map(({ sasl }) =>
    saslOf(sasl, () => [], systemClock),
  );
  return JSON.stringify(
    {
      producer: producerOptions(properties),
      consumer: consumerNumbers(properties),
      container: containerNumbers(properties),
      endpoint: endpointNumbers('Listener.handle', { topics: 't' }, properties, environment, [], []),
      requests: [adminRequest(properties), producerRequest(properties), consumerRequest(properties, { id: 'x' }, 0)],
      servers: [configuredServers(properties, 'producer'), configuredServers(properties, 'consumer')],
      security,
      logins,
      formats: payloadFormats(properties),
      template: templateOptions(properties),
      serdes: [serializerSettings(properties), deserializerSettings(properties)],
      transactions: transactionOptions(properties),
      retries: configuredRetries(properties),
      embedded: embeddedOptions(configuration),
      mistakes: mistakes.map(describeMistake),
    },
    (name, value: unknown) => {
      if (/^at$|At$/.test(name)) return undefined;
      return typeof value === 'function' ? `function ${value.name}` : value;
    },
  );
}

/** Read where they act, out of sight of `observed`: the suite that sets each and looks at what the application does. */
const SET_IN = {
  'embedded.enabled': 'kafka-module',
  'delays.store': 'connection/delayed-sends',
  'consumer.properties.group.instance.id': 'connection/keys-in-force',
  'listener.startup-timeout': 'kafka-module',
  'listener.missing-topics-fatal': 'connection/connections',
  'listener.log-container-config': 'connection/connections',
  'admin.operation-timeout': 'connection/connection-admin',
  'admin.fail-fast': 'connection/topics',
  'admin.modify-topic-configs': 'connection/keys-in-force',
  'admin.auto-create': 'connection/topics',
  'listener.threads-enabled': '../threads/thread-pool-app',
  'redis.url': 'connection/delayed-sends',
  'listener.offset-store': 'connection/keys-in-force',
  'listener.offset-directory': 'connection/keys-in-force',
  'listener.idempotent.id': 'guards/idempotent',
  'listener.idempotent.store': 'connection/keys-in-force',
  'listener.idempotent.window-count': 'connection/keys-in-force',
  'listener.idempotent.window-time': 'connection/keys-in-force',
  'listener.idempotent.lease': 'connection/keys-in-force',
  'template.observation-enabled': 'connection/keys-in-force',
  'producer.properties.interceptor.classes': 'sending/send-extensions',
  'producer.per-thread': '../threads/thread-sends-app',
  'consumer.properties.interceptor.classes': 'listeners/consumer-interceptors',
} as const satisfies Partial<Record<ConfigName, string>>;

const SSL = { 'kafka.security.protocol': 'SSL' };
const LOGIN = {
  'kafka.security.protocol': 'SASL_PLAINTEXT',
  'kafka.properties.sasl.mechanism': 'PLAIN',
  'kafka.properties.sasl.jaas.config': 'M required username="u" password="p";',
};
const TOKENS = {
  'kafka.security.protocol': 'SASL_PLAINTEXT',
  'kafka.properties.sasl.mechanism': 'OAUTHBEARER',
  'kafka.properties.sasl.oauthbearer.token.endpoint.url': 'http://h/t',
  'kafka.properties.sasl.jaas.config': 'M required clientId="u" clientSecret="p";',
};
const JAAS = {
  'kafka.security.protocol': 'SASL_PLAINTEXT',
  'kafka.properties.sasl.mechanism': 'PLAIN',
  'kafka.jaas.login-module': 'PlainLoginModule',
  'kafka.jaas.options.username': 'u',
  'kafka.jaas.options.password': 'p',
};

/** What a key needs beside it, and the value to set where the kind of the key does not tell one. */
const SETTING: ReadonlyArray<readonly [name: RegExp, value: string | undefined, beside: Properties]> = [
  [/bootstrap-servers$/, 'h:1', {}],
  [/security\.protocol$/, 'SSL', {}],
  [/ssl\.bundle$/, 'own', { ...SSL, 'spring.ssl.bundle.pem.own.truststore.certificate': 'cert.pem' }],
  [/ssl\.key-store-certificate-chain$/, pem('cert.pem'), { ...SSL, 'kafka.ssl.key-store-key': pem('key.pem') }],
  [/ssl\.key-store-key$/, pem('key.pem'), { ...SSL, 'kafka.ssl.key-store-certificate-chain': pem('cert.pem') }],
  [/ssl\.key-store-location$/, 'client.pem', SSL],
  [/ssl\.key-store-password$/, 'secret', { ...SSL, 'kafka.ssl.key-store-location': 'client.p12' }],
  [/ssl\.key-store-type$/, 'PKCS12', { ...SSL, 'kafka.ssl.key-store-location': 'client.pem' }],
  [/ssl\.trust-store-certificates$/, pem('cert.pem'), SSL],
  [/ssl\.trust-store-location$/, 'cert.pem', SSL],
  [/ssl\.trust-store-password$/, 'secret', { ...SSL, 'kafka.ssl.trust-store-location': 'trust.p12' }],
  [/ssl\.trust-store-type$/, 'PKCS12', { ...SSL, 'kafka.ssl.trust-store-location': 'cert.pem' }],
  [/ssl\.enabled\.protocols$/, 'TLSv1.3', SSL],
  [/ssl\.cipher\.suites$/, 'TLS_AES_128_GCM_SHA256', SSL],
  [/ssl\.endpoint\.identification\.algorithm$/, '', SSL],
  [/ssl\.protocol$/, 'TLSv1.2', SSL],
  [/ssl\./, undefined, SSL],
  [/sasl\.mechanism$/, 'SCRAM-SHA-256', LOGIN],
  [/sasl\.jaas\.config$/, 'M required username="v" password="p";', LOGIN],
  [/sasl\.oauthbearer\.token/, 'https://h/t', TOKENS],
  [/sasl\.(oauthbearer|login)/, undefined, TOKENS],
  [/jaas\.enabled$/, 'true', JAAS],
  [/jaas\.login-module$/, 'Krb5LoginModule', { ...JAAS, 'kafka.jaas.enabled': 'true' }],
  [/auto-commit-interval$/, undefined, { 'kafka.consumer.enable-auto-commit': 'true' }],
  [/gzip\.level$/, '5', { 'kafka.producer.compression-type': 'gzip' }],
  [/zstd\.level$/, '5', { 'kafka.producer.compression-type': 'zstd' }],
  [/key\.delegate\.class$/, 'bytes', { 'kafka.consumer.key-deserializer': 'ErrorHandlingDeserializer' }],
  [/value\.delegate\.class$/, 'bytes', { 'kafka.consumer.value-deserializer': 'ErrorHandlingDeserializer' }],
  [/(key|value)-deserializer$/, 'bytes', {}],
  [/\.(selector|bytopic)\.config$/, 'a:integer', {}],
  [/assignment\.strategy$/, 'roundrobin', {}],
  [/refresh\.window\.factor$/, '0.6', TOKENS],
  [/compression-type$/, 'gzip', {}],
  [/serializer\.encoding$/, 'UTF-16LE', {}],
  [/retry\.topic\.enabled$/, 'true', {}],
  [/retry\.topic\./, undefined, { 'kafka.retry.topic.enabled': 'true' }],
];

/** A value that differs from the default. */
function otherValue(name: ConfigName): string {
  const key = keyOf(name);
  const fallback = key.common === undefined ? key.default : (keyOf(key.common as ConfigName).default ?? key.default);
  const candidates = [...(key.choices ?? []), 'true', 'false', '7', '0.7', '70s', 'h:1', 'other'];
  const found = candidates.find((text) => {
    const value = key.parse(text);
    return value !== undefined && JSON.stringify(value) !== JSON.stringify(fallback);
  });
  if (found === undefined) throw new Error(`no other value for ${name}`);
  return found;
}

function settingOf(name: ConfigName): { readonly key: string; readonly value: string; readonly beside: Properties } {
  const [, value, beside] = SETTING.find(([pattern]) => pattern.test(name)) ?? [/./, undefined, {}];
  return { key: `kafka.${name}`, value: value ?? otherValue(name), beside };
}

const acting = CONFIG_NAMES.filter((name) => keyOf(name).acts !== undefined && keyOf(name).kind !== 'map');
const inert = CONFIG_NAMES.filter((name) => keyOf(name).acts === undefined && keyOf(name).kind !== 'map');

describe('every key', () => {
  it('has a place where it acts, or a reason why it does not', () => {
    const both = CONFIG_NAMES.filter((name) => (keyOf(name).acts === undefined) === (keyOf(name).inert === undefined));
    expect(both).toEqual([]);
  });

  it.each(acting.filter((name) => !(name in SET_IN)))('%s changes something', (name) => {
    const { key, value, beside } = settingOf(name);
    const { [key]: _own, ...without } = beside;
    expect(observed({ ...without, [key]: value })).not.toBe(observed(without));
  });

  it.each(Object.entries(SET_IN))('%s is set in test/runtime/nest/%s', (name, suite) => {
    const path = fileURLToPath(new URL(`../nest/${suite}.test.ts`, import.meta.url));
    expect(readFileSync(path, 'utf8')).toContain(`kafka.${name}'`);
  });

  it.each(inert)('%s says why it has no effect, once', (name) => {
    const { value } = settingOf(name);
    const key = keyOf(name);
    const other =
      key.holds === undefined || String(key.parse(value)) !== String(key.parse(key.holds)) ? value : undefined;
    const text = other ?? (key.kind === 'boolean' ? String(key.holds !== 'true') : (key.choices?.at(-1) ?? '9'));
    const told = judgeNames(configurationOf({ [`kafka.${name}`]: text }).environment);
    expect(told).toEqual({
      mistakes: [],
      notices: [`the object given to KafkaModule: kafka.${name} has no effect: ${key.inert}`],
    });
  });
});

describe('every client property without effect', () => {
  it.each(Object.keys(PROPERTIES_WITHOUT_EFFECT))('%s says why, for each of its clients', (property) => {
    const key = PROPERTIES_WITHOUT_EFFECT[property]!;
    const value = ['true', 'false', '7', '0.7', '70s', 'other'].find(
      (text) => key.parse(text) !== undefined && String(key.parse(text)) !== String(key.parse(key.holds ?? '')),
    )!;
    const names = [`properties.${property}`, ...key.clients.map((client) => `${client}.properties.${property}`)];
    // What acts for another client acts where it is set for all.
    const inert = names.filter((one) => knownNames().byCanonical.get(canonicalName(one))?.inert !== undefined);
    expect(inert).not.toEqual([]);
    for (const name of inert) {
      const { mistakes, notices } = judgeNames(configurationOf({ [`kafka.${name}`]: value }).environment);
      expect([mistakes, notices.length]).toEqual([[], 1]);
      expect(notices[0]).toContain(`${name} has no effect: `);
      expect(notices[0]).toMatch(/: .{20,}$/);
    }
  });

  it('says nothing where the value is the case anyway', () => {
    const told = (key: string, value: string) => judgeNames(configurationOf({ [key]: value }).environment).notices;
    expect(told('kafka.consumer.properties.group.protocol', 'classic')).toEqual([]);
    expect(told('kafka.consumer.properties.group.protocol', 'consumer')).toHaveLength(1);
    expect(told('kafka.listener.observation-enabled', 'false')).toEqual([]);
    expect(told('kafka.listener.observation-enabled', 'true')).toHaveLength(1);
    expect(told('kafka.properties.enable.metrics.push', 'off')).toEqual([]);
  });

  it('still checks the value', () => {
    const { mistakes } = judgeNames(configurationOf({ 'kafka.properties.send.buffer.bytes': 'big' }).environment);
    expect(mistakes.map(describeMistake)).toEqual([
      expect.stringContaining('kafka.properties.send.buffer.bytes=big: not allowed; allowed: a size'),
    ]);
  });
});
