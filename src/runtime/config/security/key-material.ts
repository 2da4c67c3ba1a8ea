import { messageOf } from '../../../common/errors.js';
import { type PemParts, pemParts } from './pem.js';
import { pkcs12Certificates, UnreadablePkcs12 } from './pkcs12.js';
import { readResource } from './resource.js';

// Certificates and keys from files of the kinds that Java people have.

export interface KeyMaterial {
  readonly cert?: string;
  readonly key?: string;
  /** PKCS12, which Node reads itself. */
  readonly pfx?: Buffer;
}

/** Why a file is of no use; becomes a mistake where its key is set. */
export class UnusableStore extends Error {}

/** What a store is said to be. Java reads PKCS12 under the name JKS, which was its default once. */
export type StoreType = 'PEM' | 'PKCS12' | 'JKS' | undefined;

export function readKeyStore(location: string, cwd: string, type?: StoreType): KeyMaterial {
  const { name, bytes } = read(location, cwd);
  const kind = kindOf(bytes);
  checkType(name, kind, type, 'key-store-type');
  if (kind === 'JKS') throw new UnusableStore(jks(name, 'key store'));
  if (kind === 'PKCS12') return { pfx: bytes };
  const { certificates, key } = pem(name, bytes);
  if (certificates === '' || key === '') {
    throw new UnusableStore(
      `${name} holds ${key === '' ? 'no private key' : 'no certificate'}; put both into the file`,
    );
  }
  return { cert: certificates, key };
}

/** What a trust store file needs to be read, beside its place. */
export interface TrustStoreFacts {
  readonly type?: StoreType;
  readonly password?: string | undefined;
}

/** Certificates to trust, as PEM. */
export function readTrustStore(location: string, cwd: string, { type, password }: TrustStoreFacts = {}): string {
  const { name, bytes } = read(location, cwd);
  const kind = kindOf(bytes);
  checkType(name, kind, type, 'trust-store-type');
  if (kind === 'JKS') throw new UnusableStore(jks(name, 'trust store'));
  const certificates = kind === 'PKCS12' ? fromPkcs12(name, bytes, password) : pem(name, bytes).certificates;
  if (certificates === '') throw new UnusableStore(`${name} holds no certificate`);
  return certificates;
}

function fromPkcs12(name: string, bytes: Buffer, password: string | undefined): string {
  try {
    return pkcs12Certificates(bytes, password);
  } catch (error) {
    if (!(error instanceof UnreadablePkcs12)) throw error;
    throw new UnusableStore(`${name} cannot be opened: ${error.message}`);
  }
}

export function readPrivateKey(location: string, cwd: string): string {
  const { name, bytes } = read(location, cwd);
  const { key } = pem(name, bytes);
  if (key === '') throw new UnusableStore(`${name} holds no private key`);
  return key;
}

function read(location: string, cwd: string) {
  try {
    return readResource(location, cwd);
  } catch (error) {
    throw new UnusableStore(`cannot be read (${messageOf(error)}); correct the path, or the file's permissions`);
  }
}

function pem(name: string, bytes: Buffer): PemParts {
  const parts = pemParts(bytes.toString('utf8'));
  if (parts.certificates === '' && parts.key === '') {
    throw new UnusableStore(`${name} is neither PEM (-----BEGIN …) nor PKCS12`);
  }
  return parts;
}

function kindOf(bytes: Buffer): 'PEM' | 'PKCS12' | 'JKS' {
  const magic = bytes.length >= 4 ? bytes.readUInt32BE(0) : 0;
  if (magic === 0xfeed_feed || magic === 0xcece_cece) return 'JKS';
  // DER begins with a sequence; text never does.
  return bytes[0] === 0x30 && (bytes[1] ?? 0) > 0x7f ? 'PKCS12' : 'PEM';
}

function checkType(name: string, kind: StoreType, type: StoreType, key: string): void {
  if (type === undefined || type === kind || (type === 'JKS' && kind === 'PKCS12')) return;
  throw new UnusableStore(`${name} is ${kind}, and ssl.${key} says ${type}; correct or remove that key`);
}

function jks(name: string, what: string): string {
  const target = name.replace(/\.(jks|keystore|truststore)$/i, '');
  const convert = `keytool -importkeystore -srckeystore ${name} -destkeystore ${target}.p12 -deststoretype PKCS12`;
  return `${name} is a ${what} of the kind JKS, which only Java reads; convert it: ${convert}`;
}
