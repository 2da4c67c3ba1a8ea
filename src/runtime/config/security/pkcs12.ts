import { createDecipheriv, createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { type DerElement, DerTag, derElements, inside, integerOf, oidOf } from './der.js';

// Certificates out of a PKCS12 file (RFC 7292), which Node itself reads only together with a private key. What keytool
// and OpenSSL write today (PBES2 with AES) and what they wrote before with triple DES; RC2 with 40 bits is out of reach.

/** Why a file gives nothing; `isOld`: it is encrypted in a way that nobody offers any more. */
export class UnreadablePkcs12 extends Error {
  constructor(
    message: string,
    readonly isOld = false,
  ) {
    super(message);
  }
}

const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED = '1.2.840.113549.1.7.6';
const CERTIFICATE_BAG = '1.2.840.113549.1.12.10.1.3';
const PBES2 = '1.2.840.113549.1.5.13';
const OLD_TRIPLE_DES = '1.2.840.113549.1.12.1.3';
const HASHES: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
const PRFS: Readonly<Record<string, string>> = {
  '': 'sha1',
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};
const CIPHERS: Readonly<Record<string, readonly [name: string, keyBytes: number]>> = {
  '2.16.840.1.101.3.4.1.2': ['aes-128-cbc', 16],
  '2.16.840.1.101.3.4.1.22': ['aes-192-cbc', 24],
  '2.16.840.1.101.3.4.1.42': ['aes-256-cbc', 32],
  '1.2.840.113549.3.7': ['des-ede3-cbc', 24],
};
/** More would hold up the start; Java and OpenSSL take 10,000 and 2,048. */
const MOST_ITERATIONS = 10_000_000;

/** All certificates as PEM, empty without any. Throws UnreadablePkcs12: a wrong password, no PKCS12, too old. */
export function pkcs12Certificates(file: Buffer, password: string): string {
  try {
    const [, content, mac] = inside(derElements(file)[0]);
    const [type, safe] = inside(content);
    if (oidOf(type) !== DATA) throw new UnreadablePkcs12('it is signed, which no key store of Java is');
    const contents = inside(safe)[0]!.bytes;
    if (mac) checkMac(mac, contents, password);
    const found = inside(derElements(contents)[0]).flatMap((part) => certificatesIn(part, password));
    return found.map(pemOf).join('');
  } catch (error) {
    if (error instanceof UnreadablePkcs12) throw error;
    throw new UnreadablePkcs12(`it is damaged, or no PKCS12: ${(error as Error).message}`);
  }
}

function checkMac(mac: DerElement, contents: Buffer, password: string): void {
  const [info, salt, iterations] = inside(mac);
  const [algorithm, digest] = inside(info);
  const oid = oidOf(inside(algorithm)[0]);
  const hash = HASHES[oid];
  if (hash === undefined) throw new UnreadablePkcs12(`it is guarded by ${oid}, which is not known here`, true);
  const size = digest!.bytes.length;
  const key = derive({ hash, purpose: 3, password, salt: salt!.bytes, iterations: countOf(iterations), size });
  const own = createHmac(hash, key).update(contents).digest();
  if (own.length !== size || !timingSafeEqual(own, digest!.bytes))
    throw new UnreadablePkcs12('the password does not fit it');
}

function certificatesIn(content: DerElement, password: string): Buffer[] {
  const [type, value] = inside(content);
  const part = inside(value)[0];
  const bags = oidOf(type) === ENCRYPTED ? decrypted(part!, password) : part!.bytes;
  return inside(derElements(bags)[0]).flatMap((bag) => {
    const [id, held] = inside(bag);
    if (oidOf(id) !== CERTIFICATE_BAG) return [];
    const [, certificate] = inside(inside(held)[0]);
    return [inside(certificate)[0]!.bytes];
  });
}

function decrypted(encrypted: DerElement, password: string): Buffer {
  const [, algorithm, content] = inside(inside(encrypted)[1]);
  const [oid, parameters] = inside(algorithm);
  const { cipher, key, iv } = cipherOf(oidOf(oid), inside(parameters), password);
  const decipher = createDecipheriv(cipher, key, iv);
  return Buffer.concat([decipher.update(content!.bytes), decipher.final()]);
}

function cipherOf(oid: string, parameters: readonly DerElement[], password: string) {
  if (oid === OLD_TRIPLE_DES) {
    const [salt, iterations] = parameters;
    const from = { hash: 'sha1', password, salt: salt!.bytes, iterations: countOf(iterations) };
    const key = derive({ ...from, purpose: 1, size: 24 });
    return { cipher: 'des-ede3-cbc', key, iv: derive({ ...from, purpose: 2, size: 8 }) };
  }
  if (oid !== PBES2) throw new UnreadablePkcs12(`it is encrypted by ${oid}, which Node does not offer`, true);
  const [derivation, scheme] = parameters;
  const [salt, iterations, ...more] = inside(inside(derivation)[1]);
  const prf = more.find(({ tag }) => tag === DerTag.sequence);
  const hash = PRFS[prf === undefined ? '' : oidOf(inside(prf)[0])];
  const [name, iv] = inside(scheme);
  const cipher = CIPHERS[oidOf(name)];
  if (cipher === undefined || hash === undefined) {
    throw new UnreadablePkcs12(`it is encrypted by ${oidOf(name)}, which is not known here`, true);
  }
  const key = pbkdf2Sync(password, salt!.bytes, countOf(iterations), cipher[1], hash);
  return { cipher: cipher[0], key, iv: iv!.bytes };
}

interface Derivation {
  readonly hash: string;
  /** 1: a key, 2: an initial vector, 3: a key of a MAC. */
  readonly purpose: number;
  readonly password: string;
  readonly salt: Buffer;
  readonly iterations: number;
  readonly size: number;
}

/** RFC 7292, appendix B.2. */
function derive({ hash, purpose, password, salt, iterations, size }: Derivation): Buffer {
  const block = hash === 'sha384' || hash === 'sha512' ? 128 : 64;
  const repeated = (bytes: Buffer) => Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes);
  const input = Buffer.concat([repeated(salt), repeated(Buffer.from(`${password}\0`, 'utf16le').swap16())]);
  const diversifier = Buffer.alloc(block, purpose);
  const parts: Buffer[] = [];
  for (let made = 0; made < size; ) {
    let digest = createHash(hash).update(diversifier).update(input).digest();
    for (let round = 1; round < iterations; round++) digest = createHash(hash).update(digest).digest();
    parts.push(digest);
    made += digest.length;
    const addend = Buffer.alloc(block, digest);
    for (let at = 0; at < input.length; at += block) addAndOne(input.subarray(at, at + block), addend);
  }
  return Buffer.concat(parts).subarray(0, size);
}

/** sum += addend + 1, as one large number that overflows. */
function addAndOne(sum: Buffer, addend: Buffer): void {
  let carry = 1;
  for (let at = sum.length - 1; at >= 0; at--) {
    carry += sum[at]! + addend[at]!;
    sum[at] = carry & 0xff;
    carry >>= 8;
  }
}

function countOf(element: DerElement | undefined): number {
  const count = element === undefined ? 1 : integerOf(element);
  if (count >= 1 && count <= MOST_ITERATIONS) return count;
  throw new UnreadablePkcs12(`it asks for ${count} rounds of derivation`);
}

function pemOf(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
