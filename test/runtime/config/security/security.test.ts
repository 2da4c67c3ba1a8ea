import { describe, expect, it } from '@jest/globals';
import { readConfiguration } from '../../../../src/runtime/config/load-configuration.js';
import { describeMistake, type Mistake } from '../../../../src/runtime/config/mistakes.js';
import { securitySettings } from '../../../../src/runtime/config/security/security.js';

function settingsOf(properties: Record<string, string>) {
  const mistakes: Mistake[] = [];
  const notices: string[] = [];
  const configuration = readConfiguration({ cwd: '/nowhere', env: {}, argv: [], properties });
  const { producer: settings } = securitySettings(configuration, mistakes, notices);
  return { settings, mistakes: mistakes.map(describeMistake), notices };
}

const JAAS = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="ali\\"ce" password="p;w=d";';

describe('securitySettings', () => {
  it('is empty without keys', () => {
    expect(settingsOf({})).toEqual({ settings: {}, mistakes: [], notices: [] });
  });

  it("reads a login from Kafka's own strings", () => {
    const { settings, mistakes } = settingsOf({
      'spring.kafka.properties.security.protocol': 'SASL_SSL',
      'spring.kafka.properties.sasl.mechanism': 'SCRAM-SHA-512',
      'spring.kafka.properties.sasl.jaas.config': JAAS,
    });
    expect(mistakes).toEqual([]);
    expect(settings).toEqual({
      ssl: {},
      sasl: { mechanism: 'scram-sha-512', username: 'ali"ce', password: 'p;w=d' },
    });
  });

  it('refuses half a login, and a login that no protocol uses', () => {
    expect(settingsOf({ 'kafka.security.protocol': 'SASL_SSL' }).mistakes[0]).toContain('SASL_SSL needs');
    const jaas = 'LoginModule required user="x";';
    const half = { 'kafka.security.protocol': 'SASL_PLAINTEXT', 'kafka.properties.sasl.mechanism': 'PLAIN' };
    expect(settingsOf({ ...half, 'kafka.properties.sasl.jaas.config': jaas }).mistakes[0]).toContain(
      'holds no username="…" and password="…"',
    );
    const unused = settingsOf({ 'kafka.properties.sasl.mechanism': 'PLAIN', 'kafka.ssl.key-password': 'x' });
    expect(unused.mistakes).toHaveLength(2);
    expect(unused.mistakes[0]).toContain(': has no effect under security.protocol=PLAINTEXT');
  });

  it('says of a login that a profile does without what it is, and starts', () => {
    const mechanism = { 'kafka.properties.sasl.mechanism': 'PLAIN' };
    const { mistakes, notices } = settingsOf({ ...mechanism, 'kafka.security.protocol': 'PLAINTEXT' });
    expect(mistakes).toEqual([]);
    expect(notices).toEqual([
      expect.stringMatching(/sasl\.mechanism=PLAIN: has no effect under security\.protocol=PLAINTEXT \(the object/),
    ]);
  });

  it('takes each mechanism, for each kind of client', () => {
    const plain = { 'kafka.security.protocol': 'SASL_PLAINTEXT', 'kafka.properties.sasl.mechanism': 'PLAIN' };
    const login = (user: string) => `PlainLoginModule required username='${user}' password=p;`;
    const configuration = readConfiguration({
      cwd: '/nowhere',
      env: {},
      argv: [],
      properties: {
        ...plain,
        'kafka.properties.sasl.jaas.config': login('all'),
        'kafka.producer.properties.sasl.jaas.config': login('producer'),
        'kafka.consumer.security.protocol': 'PLAINTEXT',
      },
    });
    const mistakes: Mistake[] = [];
    expect(securitySettings(configuration, mistakes)).toEqual({
      consumer: {},
      producer: { sasl: { mechanism: 'plain', username: 'producer', password: 'p' } },
      admin: { sasl: { mechanism: 'plain', username: 'all', password: 'p' } },
    });
    expect(mistakes).toEqual([]);
  });

  it('puts a login together from jaas.*, but not for Kerberos', () => {
    const jaas = {
      'kafka.security.protocol': 'SASL_PLAINTEXT',
      'kafka.properties.sasl.mechanism': 'SCRAM-SHA-256',
      'kafka.jaas.enabled': 'true',
      'kafka.jaas.options.username': 'u',
      'kafka.jaas.options.password': 'p',
    };
    const module = { 'kafka.jaas.login-module': 'org.apache.kafka.common.security.scram.ScramLoginModule' };
    expect(settingsOf({ ...jaas, ...module })).toEqual({
      settings: { sasl: { mechanism: 'scram-sha-256', username: 'u', password: 'p' } },
      mistakes: [],
      notices: [],
    });
    expect(settingsOf(jaas).mistakes[0]).toContain('Krb5LoginModule is Kerberos, which does not exist in Node');
  });

  it('finds out where tokens come from', () => {
    const oauth = { 'kafka.security.protocol': 'SASL_SSL', 'kafka.properties.sasl.mechanism': 'OAUTHBEARER' };
    expect(settingsOf(oauth).mistakes[0]).toContain(
      'OAUTHBEARER needs sasl.oauthbearer.token.endpoint.url, sasl.oauthbearer.client.credentials.client.id, ' +
        'sasl.oauthbearer.client.credentials.client.secret under kafka.properties.',
    );
    const { settings, mistakes } = settingsOf({
      ...oauth,
      'kafka.properties.sasl.oauthbearer.token.endpoint.url': 'https://login/token',
      'kafka.properties.sasl.jaas.config':
        'OAuthBearerLoginModule required clientId="id" clientSecret="s" scope="kafka";',
    });
    expect(mistakes).toEqual([]);
    expect(settings.sasl).toEqual({
      mechanism: 'oauthbearer',
      tokens: {
        endpoint: 'https://login/token',
        clientId: 'id',
        clientSecret: 's',
        scope: 'kafka',
        urlEncode: false,
        timeoutMs: 10_000,
        retryBackoffMs: 100,
        retryBackoffMaxMs: 10_000,
        refreshFactor: 0.8,
        bufferMs: 300_000,
      },
    });
    const msk = { ...oauth, 'kafka.properties.sasl.mechanism': 'AWS_MSK_IAM' };
    expect(settingsOf(msk).settings.sasl).toEqual({ mechanism: 'aws-msk-iam' });
  });
});
