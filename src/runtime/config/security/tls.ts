import { createSecureContext } from 'node:tls';
import { messageOf } from '../../../common/errors.js';
import { type SharedName } from '../keys/security-keys.js';
import { type Mistake } from '../mistakes.js';
import { readKeyStore, readPrivateKey, readTrustStore, UnusableStore } from './key-material.js';
import { pemParts } from './pem.js';
import { type SecureClient, type SecuritySources, securityMistake } from './security-sources.js';
import { bundleNames, type SslBundle, sslBundle, unknownInBundle } from './ssl-bundle.js';

// What Node's TLS is told, from store keys or a bundle.

export interface TlsSettings {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly pfx?: Buffer;
  readonly passphrase?: string;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly ciphers?: string;
  /** Present where certificates are taken for any host. */
  readonly checkServerIdentity?: () => undefined;
}

export function tlsOf(sources: SecuritySources, client: SecureClient, mistakes: Mistake[]): TlsSettings {
  const { properties } = sources;
  const before = mistakes.length;
  const name = properties.getFor(client, 'ssl.bundle');
  const reader = new StoreReader(sources, client, mistakes);
  const stores = name === undefined ? fromKeys(reader) : fromBundle(reader, name);
  const host = properties.getFor(client, 'properties.ssl.endpoint.identification.algorithm');
  const settings: TlsSettings = {
    ...stores,
    ...versions(reader),
    // Without a check by name a certificate still has to be trusted.
    ...(host.trim() === '' ? { checkServerIdentity: () => undefined } : {}),
  };
  if (mistakes.length === before) reportUnusable(reader, settings, name !== undefined);
  return settings;
}

class StoreReader {
  constructor(
    readonly sources: SecuritySources,
    readonly client: SecureClient,
    readonly mistakes: Mistake[],
  ) {}

  get<N extends SharedName>(name: N) {
    return this.sources.properties.getFor(this.client, name);
  }

  /** What `read` makes of a key's value; a file of no use is a mistake at the key. */
  read<T>(name: SharedName, value: string | undefined, read: (value: string, cwd: string) => T): T | undefined {
    if (value === undefined) return undefined;
    try {
      return read(value, this.sources.cwd);
    } catch (error) {
      if (!(error instanceof UnusableStore)) throw error;
      this.mistake(name, error.message);
      return undefined;
    }
  }

  mistake(name: SharedName, problem: string): void {
    this.mistakes.push(securityMistake(this.sources.properties, this.client, name, problem));
  }
}

function fromKeys(reader: StoreReader): TlsSettings {
  const store = reader.read('ssl.key-store-location', reader.get('ssl.key-store-location'), (location, cwd) =>
    readKeyStore(location, cwd, reader.get('ssl.key-store-type')),
  );
  const inline = (name: 'ssl.key-store-certificate-chain' | 'ssl.key-store-key' | 'ssl.trust-store-certificates') =>
    reader.read(name, reader.get(name), (text) => pemText(text, name === 'ssl.key-store-key' ? 'key' : 'certificates'));
  const cert = inline('ssl.key-store-certificate-chain');
  const key = inline('ssl.key-store-key');
  const ca =
    reader.read('ssl.trust-store-location', reader.get('ssl.trust-store-location'), (location, cwd) =>
      readTrustStore(location, cwd, {
        type: reader.get('ssl.trust-store-type'),
        password: reader.get('ssl.trust-store-password'),
      }),
    ) ?? inline('ssl.trust-store-certificates');
  // A PKCS12 file has one password for all; the key's own counts for PEM.
  const passphrase = store?.pfx
    ? (reader.get('ssl.key-store-password') ?? reader.get('ssl.key-password'))
    : (reader.get('ssl.key-password') ?? reader.get('ssl.key-store-password'));
  return {
    ...store,
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(ca === undefined ? {} : { ca }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

function fromBundle(reader: StoreReader, name: string): TlsSettings {
  const { environment } = reader.sources;
  const bundle = sslBundle(environment, name);
  if (!bundle) {
    const known = bundleNames(environment);
    const list = known.length === 0 ? 'there is none' : `there is ${known.join(', ')}`;
    reader.mistake('ssl.bundle', `there is no bundle ${name} (${list}); give it at spring.ssl.bundle.pem.${name}.`);
    return {};
  }
  reader.mistakes.push(...unknownInBundle(environment, name));
  const ca = reader.read('ssl.bundle', bundle.trustStore, textOr(trusted(bundle.trustPassword)));
  return {
    ...keysOf(reader, bundle),
    ...(ca === undefined ? {} : { ca }),
    ...(bundle.password === undefined ? {} : { passphrase: bundle.password }),
    ...range(bundle.protocols),
    ...ciphersOf(bundle.ciphers),
  };
}

function keysOf(reader: StoreReader, { keyStore, privateKey }: SslBundle): TlsSettings {
  if (privateKey === undefined) {
    const both = (text: string, cwd: string) => {
      const { certificates, key } = pemParts(text);
      return certificates === '' ? readKeyStore(text, cwd) : { cert: certificates, key };
    };
    return reader.read('ssl.bundle', keyStore, both) ?? {};
  }
  const cert = reader.read('ssl.bundle', keyStore, textOr(trusted(undefined)));
  const asKey = (text: string, cwd: string) => pemParts(text).key || readPrivateKey(text, cwd);
  const key = reader.read('ssl.bundle', privateKey, asKey);
  return { ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
}

const trusted = (password: string | undefined) => (location: string, cwd: string) =>
  readTrustStore(location, cwd, { password });

/** PEM text itself, or that of the file it names. */
function textOr(read: (location: string, cwd: string) => string) {
  return (text: string, cwd: string) => pemParts(text).certificates || read(text, cwd);
}

function versions(reader: StoreReader): TlsSettings {
  const protocol = reader.get('ssl.protocol');
  return {
    ...range(reader.get('properties.ssl.enabled.protocols')),
    ...(protocol === undefined || protocol === 'TLS' ? {} : { maxVersion: protocol }),
    ...ciphersOf(reader.get('properties.ssl.cipher.suites')),
  };
}

function range(protocols: readonly string[]): TlsSettings {
  const known = protocols.filter((one) => one === 'TLSv1.2' || one === 'TLSv1.3').sort();
  return known.length === 0 ? {} : { minVersion: known[0]!, maxVersion: known.at(-1)! };
}

/** Java's `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is OpenSSL's `ECDHE-RSA-AES128-GCM-SHA256`; TLS 1.3 has one name. */
function ciphersOf(suites: readonly string[]): TlsSettings {
  if (suites.length === 0) return {};
  const names = suites.map((suite) => {
    const old = /^TLS_(.+)_WITH_(.+)$/.exec(suite);
    if (!old) return suite;
    const cipher = old[2]!.replace(/AES_(\d+)/, 'AES$1').replace('CHACHA20_POLY1305_SHA256', 'CHACHA20_POLY1305');
    return `${old[1] === 'RSA' ? '' : `${old[1]}-`}${cipher}`.replace(/_/g, '-');
  });
  return { ciphers: names.join(':') };
}

function pemText(text: string, part: 'certificates' | 'key'): string {
  const found = pemParts(text)[part];
  if (found !== '') return found;
  throw new UnusableStore(
    `holds no PEM (-----BEGIN ${part === 'key' ? 'PRIVATE KEY' : 'CERTIFICATE'}-----); write the text itself, or use the location key for a file`,
  );
}

/** Node says now what it would say at every connection. */
function reportUnusable(reader: StoreReader, settings: TlsSettings, isBundle: boolean): void {
  const { checkServerIdentity: _check, ...context } = settings;
  try {
    createSecureContext(context);
  } catch (error) {
    const name: SharedName = isBundle
      ? 'ssl.bundle'
      : ((['ssl.key-store-location', 'ssl.key-store-key', 'ssl.trust-store-certificates'] as const).find(
          (one) => reader.get(one) !== undefined,
        ) ?? 'ssl.key-store-certificate-chain');
    reader.mistake(name, `cannot be used (${messageOf(error)}); check certificate, key, password and ciphers`);
  }
}
