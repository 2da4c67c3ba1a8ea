import { CONFIG_NAMES, keyOf } from '../config-keys.js';
import { type KafkaProperties } from '../kafka-properties.js';
import { mistakeAt } from '../mistake-at.js';
import { describeMistake, type Mistake } from '../mistakes.js';
import { type Login, loginOf } from './login.js';
import { type SecureClient, type SecuritySources } from './security-sources.js';
import { type TlsSettings, tlsOf } from './tls.js';

// Encryption and login from Kafka's and Boot's keys, for each kind of client.

export interface SecuritySettings {
  readonly ssl?: TlsSettings;
  readonly sasl?: Login;
}

const CLIENTS: readonly SecureClient[] = ['consumer', 'producer', 'admin'];

/**
 * Adds to `mistakes` what contradicts itself, what is missing, and files that cannot be used; to `notices` what the
 * protocol that somebody chose does not use.
 */
export function securitySettings(
  sources: SecuritySources,
  mistakes: Mistake[],
  notices: string[] = [],
): Readonly<Record<SecureClient, SecuritySettings>> {
  const settings = {
    consumer: settingsOf(sources, 'consumer', mistakes),
    producer: settingsOf(sources, 'producer', mistakes),
    admin: settingsOf(sources, 'admin', mistakes),
  };
  reportUnused(sources.properties, mistakes, notices);
  return settings;
}

function settingsOf(sources: SecuritySources, client: SecureClient, mistakes: Mistake[]): SecuritySettings {
  const protocol = sources.properties.getFor(client, 'security.protocol');
  const ssl = protocol.endsWith('SSL') ? tlsOf(sources, client, mistakes) : undefined;
  const sasl = protocol.startsWith('SASL') ? loginOf(sources.properties, client, mistakes) : undefined;
  return { ...(ssl ? { ssl } : {}), ...(sasl ? { sasl } : {}) };
}

const SSL_KEY = /^(?:(consumer|producer|admin)\.)?(?:ssl\.|properties\.ssl\.)/;
const SASL_KEY = /^(?:(consumer|producer|admin)\.)?(?:properties\.sasl\.|jaas\.)/;

/**
 * Certificates and passwords that nobody uses: whoever gave them believes the connection to be safe, unless a protocol
 * is said that does without, as a profile for a developer's machine does.
 */
function reportUnused(properties: KafkaProperties, mistakes: Mistake[], notices: string[]): void {
  const refuse = (pattern: RegExp, uses: (protocol: string) => boolean, instead: string): void => {
    for (const name of CONFIG_NAMES) {
      const match = pattern.exec(name);
      if (!match || properties.originOf(name) === undefined || keyOf(name).acts === undefined) continue;
      const clients = match[1] === undefined ? CLIENTS : [match[1] as SecureClient];
      const protocols = clients.map((client) => properties.getFor(client, 'security.protocol'));
      if (protocols.some(uses)) continue;
      const said = properties.nameFor(clients[0]!, 'security.protocol');
      const place = properties.originOf(said);
      const where = place ?? 'by default';
      const problem = `has no effect under ${said}=${protocols[0]} (${where}); use ${instead}, or remove the key`;
      const mistake = mistakeAt(properties, name, problem);
      if (place === undefined) mistakes.push(mistake);
      else notices.push(describeMistake(mistake));
    }
  };
  refuse(SSL_KEY, (protocol) => protocol.endsWith('SSL'), 'SSL or SASL_SSL');
  refuse(SASL_KEY, (protocol) => protocol.startsWith('SASL'), 'SASL_SSL or SASL_PLAINTEXT');
}
