import { NestdawError } from '../../common/errors.js';
import { type BrokerConfig } from '../broker-config.js';

// Where to listen and what to tell clients, from `listeners` and `advertised.listeners`. There is one listener, in
// plain text; those of controllers are left alone, since nobody else takes part in a quorum of one.

export interface Address {
  /** Empty: all interfaces. */
  readonly host: string;
  readonly port: number;
}

export interface ListenerAddresses {
  readonly listen: Address;
  /** Undefined: the address that the client came by. */
  readonly advertised: Address | undefined;
}

/** Throws KAFKA_CONFIG_INVALID when there is not exactly one listener that can be served. */
export function listenerOf(config: BrokerConfig): ListenerAddresses {
  const controllers = new Set(config.list('controller.listener.names'));
  const protocols = new Map(
    config.list('listener.security.protocol.map').map((entry) => entry.split(':') as [string, string]),
  );
  const parse = (key: 'listeners' | 'advertised.listeners') =>
    config
      .list(key)
      .map((text) => parseListener(key, text))
      .filter(({ name }) => !controllers.has(name));
  const [listener, ...others] = parse('listeners');
  if (!listener || others.length > 0) {
    throw invalid(`'listeners' names ${others.length + (listener ? 1 : 0)} listeners for clients; there must be one`);
  }
  const protocol = protocols.get(listener.name) ?? listener.name;
  if (protocol !== 'PLAINTEXT') {
    throw invalid(`listener '${listener.name}' uses ${protocol}; only PLAINTEXT is served`);
  }
  const advertised = parse('advertised.listeners').find(({ name }) => name === listener.name);
  return { listen: listener, advertised };
}

function parseListener(key: string, text: string): Address & { readonly name: string } {
  const match = /^([A-Za-z0-9_]+):\/\/(?:\[([^\]]*)\]|([^:/]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[4]);
  if (!match || port > 65_535) throw invalid(`'${key}' holds '${text}'; write NAME://host:port`);
  return { name: match[1]!.toUpperCase(), host: match[2] ?? match[3] ?? '', port };
}

function invalid(what: string): NestdawError {
  return new NestdawError('KAFKA_CONFIG_INVALID', `the broker's configuration has a mistake: ${what}`);
}

/** Connections that one address may have at once. */
export function connectionsOf(config: BrokerConfig, address: string): number {
  for (const pair of config.list('max.connections.per.ip.overrides')) {
    // The address may hold colons of its own.
    const at = pair.lastIndexOf(':');
    if (pair.slice(0, at) === address) return Number(pair.slice(at + 1));
  }
  return config.number('max.connections.per.ip');
}
