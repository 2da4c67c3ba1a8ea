import { type KafkaProperties } from './kafka-properties.js';
import { type Mistake } from './mistakes.js';

// Encryption and login from Kafka's own keys, in the terms of Node's TLS.

export interface SecuritySettings {
  readonly ssl?: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly passphrase?: string;
  };
  readonly sasl?: Login<'plain'> | Login<'scram-sha-256'> | Login<'scram-sha-512'>;
}

interface Login<M extends string> {
  readonly mechanism: M;
  readonly username: string;
  readonly password: string;
}

const MECHANISMS = { PLAIN: 'plain', 'SCRAM-SHA-256': 'scram-sha-256', 'SCRAM-SHA-512': 'scram-sha-512' } as const;
const SSL_KEYS = [
  'ssl.trust-store-certificates',
  'ssl.key-store-certificate-chain',
  'ssl.key-store-key',
  'ssl.key-password',
] as const;
const SASL_KEYS = ['properties.sasl.mechanism', 'properties.sasl.jaas.config'] as const;

/** Adds to `mistakes` what contradicts itself: half a login, or settings of a protocol that is not chosen. */
export function securitySettings(properties: KafkaProperties, mistakes: Mistake[]): SecuritySettings {
  const protocol = properties.get('security.protocol');
  const origin = properties.originOf('security.protocol') ?? 'kafka.security.protocol, by default';
  const settings: { -readonly [K in keyof SecuritySettings]: SecuritySettings[K] } = {};
  const refuse = (names: readonly (typeof SSL_KEYS | typeof SASL_KEYS)[number][], instead: string) => {
    for (const name of names.filter((one) => properties.get(one) !== undefined)) {
      const problem = `has no effect under security.protocol=${protocol} (${origin}); use ${instead}`;
      mistakes.push({ origin: properties.originOf(name) ?? origin, key: `kafka.${name}`, problem });
    }
  };
  if (protocol.endsWith('SSL')) settings.ssl = sslOf(properties);
  else refuse(SSL_KEYS, 'SSL or SASL_SSL');
  if (protocol.startsWith('SASL')) {
    const sasl = saslOf(properties, protocol, origin, mistakes);
    if (sasl) settings.sasl = sasl;
  } else refuse(SASL_KEYS, 'SASL_SSL or SASL_PLAINTEXT');
  return settings;
}

function sslOf(properties: KafkaProperties): NonNullable<SecuritySettings['ssl']> {
  const [ca, cert, key, passphrase] = SSL_KEYS.map((name) => properties.get(name));
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

function saslOf(
  properties: KafkaProperties,
  protocol: string,
  origin: string,
  mistakes: Mistake[],
): SecuritySettings['sasl'] {
  const mechanism = properties.get('properties.sasl.mechanism');
  const jaas = properties.get('properties.sasl.jaas.config');
  if (mechanism === undefined || jaas === undefined) {
    const problem = `${protocol} needs kafka.properties.sasl.mechanism and kafka.properties.sasl.jaas.config`;
    mistakes.push({ origin, key: 'kafka.security.protocol', problem });
    return undefined;
  }
  const username = jaasOption(jaas, 'username');
  const password = jaasOption(jaas, 'password');
  if (username === undefined || password === undefined) {
    const where = properties.originOf('properties.sasl.jaas.config') ?? origin;
    const problem = 'holds no username="…" and password="…"; write …LoginModule required username="…" password="…";';
    mistakes.push({ origin: where, key: 'kafka.properties.sasl.jaas.config', problem });
    return undefined;
  }
  return { mechanism: MECHANISMS[mechanism], username, password } as NonNullable<SecuritySettings['sasl']>;
}

function jaasOption(jaas: string, name: string): string | undefined {
  const quoted = new RegExp(`\\b${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|'([^']*)'|([^\\s;"']+))`).exec(jaas);
  if (!quoted) return undefined;
  return quoted[1]?.replace(/\\(.)/g, '$1') ?? quoted[2] ?? quoted[3];
}
