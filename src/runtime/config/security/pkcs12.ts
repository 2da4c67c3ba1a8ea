import { createRequire } from 'node:module';
import { buildRoot } from '#here';
import { messageOf } from '../../../common/errors.js';

// Certificates out of a PKCS12 file (RFC 7292), which Node itself reads only together with a private key. The package
// node-forge does it, which the application brings.

/** Why a file gives nothing, and what to do about it. */
export class UnreadablePkcs12 extends Error {}

/** What is used of node-forge. Bytes are strings there, a character for each. */
interface Forge {
  readonly asn1: { fromDer(bytes: string): unknown; toDer(element: unknown): { getBytes(): string } };
  readonly pkcs12: {
    pkcs12FromAsn1(element: unknown, strict: boolean, password: string): { getBags(wanted: object): Bags };
  };
  readonly pki: { readonly oids: { readonly certBag: string }; certificateToAsn1(certificate: object): unknown };
  readonly pem: { encode(message: { type: string; body: string }): string };
}

/** Certificates with keys that node-forge does not know (elliptic curves) stay as they are. */
interface CertificateBag {
  readonly cert: object | null;
  readonly asn1?: unknown;
}

type Bags = Readonly<Record<string, readonly CertificateBag[] | undefined>>;

/** All certificates as PEM, empty without any. Throws UnreadablePkcs12. */
export function pkcs12Certificates(file: Buffer, password: string | undefined): string {
  const forge = loadForge();
  const { asn1, pkcs12, pki, pem } = forge;
  const { certBag } = pki.oids;
  let found: readonly CertificateBag[];
  try {
    const store = pkcs12.pkcs12FromAsn1(asn1.fromDer(file.toString('latin1')), false, password ?? '');
    found = store.getBags({ bagType: certBag })[certBag] ?? [];
  } catch (error) {
    throw new UnreadablePkcs12(reasonOf(error, password));
  }
  return found
    .map(({ cert, asn1: raw }) => asn1.toDer(cert === null ? raw : pki.certificateToAsn1(cert)).getBytes())
    .map((body) => pem.encode({ type: 'CERTIFICATE', body }).replaceAll('\r', ''))
    .join('');
}

function reasonOf(error: unknown, password: string | undefined): string {
  const message = messageOf(error);
  if (password !== undefined && /[^ -~]/.test(password)) {
    return 'its password has letters outside ASCII; give it one without: keytool -storepasswd';
  }
  if (!/password/i.test(message)) return `it is damaged, or no PKCS12 (${message}); replace the file`;
  return `the password does not fit it; ${password === undefined ? 'set' : 'correct'} its password, or the file`;
}

function loadForge(): Forge {
  try {
    return createRequire(buildRoot)('node-forge') as Forge;
  } catch {
    throw new UnreadablePkcs12(
      'certificates in PKCS12 need the package node-forge, which is not installed: npm install node-forge, or convert ' +
        'the file to PEM: openssl pkcs12 -nokeys',
    );
  }
}
