import { NestdawError } from '../../../common/errors.js';

// Reads `bootstrap.servers`: `host:port`, `[::1]:9092`, with a security protocol in front where one was pasted in.

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

const SERVER = /^(?:[\w.%-]*:\/\/)?(?:\[([\da-fA-F:.%]+)\]|([^\s:,/[\]]+)):(\d{1,5})$/;

/** Throws KAFKA_CONFIG_INVALID naming every entry that is not an address. */
export function parseBootstrapServers(servers: readonly string[]): ServerAddress[] {
  const entries = servers.flatMap((entry) => entry.split(',')).map((entry) => entry.trim());
  const given = entries.filter((entry) => entry !== '');
  const wrong: string[] = [];
  const addresses = given.map((entry) => {
    const [, ipv6, name, digits] = SERVER.exec(entry) ?? [];
    const port = Number(digits);
    if (digits === undefined || port < 1 || port > 65_535) wrong.push(entry);
    return { host: ipv6 ?? name ?? '', port };
  });
  if (wrong.length > 0) {
    throw new NestdawError(
      'KAFKA_CONFIG_INVALID',
      `bootstrap.servers: ${wrong.map((entry) => JSON.stringify(entry)).join(', ')} is not host:port; write for example localhost:9092`,
    );
  }
  if (addresses.length === 0) {
    throw new NestdawError('KAFKA_CONFIG_INVALID', 'bootstrap.servers is empty; name at least one server as host:port');
  }
  return addresses;
}

/** `host:port`, with brackets around an IPv6 address. */
export function addressText({ host, port }: ServerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
