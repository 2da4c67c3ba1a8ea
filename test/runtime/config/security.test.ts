import { describe, expect, it } from '@jest/globals';
import { loadConfiguration } from '../../../src/runtime/config/load-configuration.js';
import { describeMistake, type Mistake } from '../../../src/runtime/config/mistakes.js';
import { securitySettings } from '../../../src/runtime/config/security.js';

function settingsOf(properties: Record<string, string>) {
  const mistakes: Mistake[] = [];
  const configuration = loadConfiguration({ cwd: '/nowhere', env: {}, argv: [], properties });
  const settings = securitySettings(configuration.properties, mistakes);
  return { settings, mistakes: mistakes.map(describeMistake) };
}

const JAAS = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="ali\\"ce" password="p;w=d";';

describe('securitySettings', () => {
  it('is empty without keys', () => {
    expect(settingsOf({})).toEqual({ settings: {}, mistakes: [] });
  });

  it("reads a login from Kafka's own strings", () => {
    const { settings, mistakes } = settingsOf({
      'spring.kafka.properties.security.protocol': 'SASL_SSL',
      'spring.kafka.properties.sasl.mechanism': 'SCRAM-SHA-512',
      'spring.kafka.properties.sasl.jaas.config': JAAS,
      'spring.kafka.ssl.trust-store-certificates': 'PEM',
    });
    expect(mistakes).toEqual([]);
    expect(settings).toEqual({
      ssl: { ca: 'PEM' },
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
    expect(unused.mistakes[0]).toContain('has no effect under security.protocol=PLAINTEXT');
  });
});
