import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { readConfiguration } from '../../../../src/runtime/config/load-configuration.js';
import { describeMistake, type Mistake } from '../../../../src/runtime/config/mistakes.js';
import { securitySettings } from '../../../../src/runtime/config/security/security.js';

// The fixtures: a self-signed certificate for localhost with its key, as PEM, PKCS12 and JKS; every password is secret
// where none is told.
const cwd = fileURLToPath(new URL('../../../fixtures/tls/', import.meta.url));
const text = (name: string) => readFileSync(join(cwd, name), 'utf8');

function tls(properties: Record<string, string>) {
  const given = { 'kafka.security.protocol': 'SSL', ...properties };
  const configuration = readConfiguration({ cwd, env: {}, argv: [], properties: given });
  const mistakes: Mistake[] = [];
  const { consumer, producer } = securitySettings(configuration, mistakes);
  return { ssl: producer.ssl, consumer: consumer.ssl, mistakes: mistakes.map(describeMistake) };
}

describe('certificates and keys', () => {
  it('come as PEM text, also squeezed into one line', () => {
    const oneLine = text('cert.pem').trim().replace(/\n/g, ' ');
    const { ssl, mistakes } = tls({
      'kafka.ssl.trust-store-certificates': oneLine,
      'kafka.ssl.key-store-certificate-chain': text('cert.pem'),
      'kafka.ssl.key-store-key': text('key-encrypted.pem'),
      'kafka.ssl.key-password': 'secret',
    });
    expect(mistakes).toEqual([]);
    expect(ssl).toEqual({
      ca: text('cert.pem'),
      cert: text('cert.pem'),
      key: text('key-encrypted.pem'),
      passphrase: 'secret',
    });
  });

  it.each(['client.pem', './client.pem', 'file:client.pem', 'classpath:client.pem', `file:${join(cwd, 'client.pem')}`])(
    'come from a PEM file: %s',
    (location) => {
      const { ssl, mistakes } = tls({
        'kafka.ssl.key-store-location': location,
        'kafka.ssl.trust-store-location': 'cert.pem',
      });
      expect(mistakes).toEqual([]);
      expect(ssl).toEqual({ ca: text('cert.pem'), cert: text('cert.pem'), key: text('key.pem') });
    },
  );

  it('come from PKCS12 and inline base64', () => {
    const pfx = readFileSync(join(cwd, 'client.p12'));
    const password = { 'kafka.ssl.key-store-password': 'secret' };
    expect(tls({ 'kafka.ssl.key-store-location': 'client.p12', ...password })).toMatchObject({
      ssl: { pfx, passphrase: 'secret' },
      mistakes: [],
    });
    expect(tls({ 'kafka.ssl.key-store-location': `base64:${pfx.toString('base64')}`, ...password }).ssl?.pfx).toEqual(
      pfx,
    );
    expect(
      tls({ 'kafka.ssl.key-store-location': 'client.p12', 'kafka.ssl.key-store-type': 'JKS', ...password }).mistakes,
    ).toEqual([]);
  });

  it.each([
    ['trust.p12', 'secret'],
    ['trust-java.p12', 'secret'],
    ['trust-triple-des.p12', 'secret'],
    ['trust-sha512.p12', 'secret'],
    ['trust-rc2.p12', 'secret'],
    ['trust-plain.p12', 'secret'],
  ])('to trust come from PKCS12: %s', (location, password) => {
    const { ssl, mistakes } = tls({
      'kafka.ssl.trust-store-location': location,
      'kafka.ssl.trust-store-password': password,
    });
    expect(mistakes).toEqual([]);
    expect(ssl).toEqual({ ca: text('cert.pem') });
  });

  it.each<[properties: Record<string, string>, mistake: string]>([
    [{ 'kafka.ssl.key-store-location': 'gone.pem' }, 'kafka.ssl.key-store-location=gone.pem: cannot be read (ENOENT'],
    [{ 'kafka.ssl.key-store-location': 'cert.pem' }, 'cert.pem holds no private key'],
    [{ 'kafka.ssl.trust-store-location': 'key.pem' }, 'key.pem holds no certificate'],
    [{ 'kafka.ssl.trust-store-location': 'tls.test.ts' }, 'cannot be read'],
    [
      { 'kafka.ssl.trust-store-location': 'trust.jks' },
      'trust.jks is a trust store of the kind JKS, which only Java reads; convert it: keytool -importkeystore',
    ],
    [
      { 'kafka.ssl.trust-store-location': 'trust.p12' },
      'trust.p12 cannot be opened: the password does not fit it; set its',
    ],
    [
      { 'kafka.ssl.trust-store-location': 'trust.p12', 'kafka.ssl.trust-store-password': 'wrong' },
      'cannot be opened: the password does not fit it; correct its password',
    ],
    [
      { 'kafka.ssl.trust-store-location': 'trust-umlaut.p12', 'kafka.ssl.trust-store-password': 'sécret' },
      'its password has letters outside ASCII; give it one without: keytool -storepasswd',
    ],
    [
      { 'kafka.ssl.trust-store-location': 'damaged.p12', 'kafka.ssl.trust-store-password': 'secret' },
      'damaged.p12 cannot be opened: it is damaged, or no PKCS12 (',
    ],
    [{ 'kafka.ssl.key-store-location': 'client.p12', 'kafka.ssl.key-store-password': 'wrong' }, 'cannot be used ('],
    [
      { 'kafka.ssl.key-store-location': 'client.pem', 'kafka.ssl.key-store-type': 'PKCS12' },
      'is PEM, and ssl.key-store-type says PKCS12',
    ],
    [{ 'kafka.ssl.trust-store-certificates': 'no certificate' }, 'holds no PEM (-----BEGIN CERTIFICATE-----)'],
    [{ 'kafka.ssl.bundle': 'gone' }, 'there is no bundle gone (there is none)'],
    [{ 'kafka.properties.ssl.cipher.suites': 'NOPE' }, 'cannot be used ('],
  ])('%j is a mistake', (properties, mistake) => {
    const { mistakes } = tls(properties);
    expect(mistakes[0]).toContain(mistake);
    expect(mistakes.join('\n')).not.toContain('wrong');
  });
});

describe('bundles of Boot', () => {
  it('give PEM by file and as text', () => {
    const { ssl, mistakes } = tls({
      'kafka.ssl.bundle': 'mine',
      'spring.ssl.bundle.pem.mine.keystore.certificate': 'cert.pem',
      'spring.ssl.bundle.pem.mine.keystore.private-key': text('key.pem'),
      'spring.ssl.bundle.pem.mine.truststore.certificate': 'file:./cert.pem',
      'spring.ssl.bundle.pem.mine.options.enabled-protocols': 'TLSv1.3',
    });
    expect(mistakes).toEqual([]);
    expect(ssl).toEqual({
      ca: text('cert.pem'),
      cert: text('cert.pem'),
      key: text('key.pem'),
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
    });
  });

  it('give key stores, to one kind of client alone', () => {
    const { ssl, consumer, mistakes } = tls({
      'kafka.consumer.ssl.bundle': 'store',
      'spring.ssl.bundle.jks.store.keystore.location': 'client.p12',
      'spring.ssl.bundle.jks.store.keystore.password': 'secret',
      'spring.ssl.bundle.jks.store.truststore.location': 'trust-java.p12',
      'spring.ssl.bundle.jks.store.truststore.password': 'secret',
    });
    expect(mistakes).toEqual([]);
    expect(ssl).toEqual({});
    expect(consumer).toMatchObject({
      passphrase: 'secret',
      ca: text('cert.pem'),
      pfx: readFileSync(join(cwd, 'client.p12')),
    });
  });
});

it('names what a bundle of Boot cannot hold, and what is meant', () => {
  const { mistakes } = tls({
    'kafka.ssl.bundle': 'mine',
    'spring.ssl.bundle.pem.mine.trustStore.certificate': 'cert.pem',
    'spring.ssl.bundle.pem.mine.keystore.privatekey': text('key.pem'),
    'spring.ssl.bundle.pem.mine.keystore.certficate': 'cert.pem',
    'spring.ssl.bundle.pem.mine.reload-on-update': 'true',
    'spring.ssl.bundle.pem.mine.options.enabled-protocols[0]': 'TLSv1.3',
    'spring.ssl.bundle.pem.other.anything': 'x',
  });
  expect(new Set(mistakes)).toEqual(
    new Set([
      expect.stringContaining(
        'spring.ssl.bundle.pem.mine.keystore.certficate=cert.pem: a bundle has no keystore.certficate; did you mean keystore.certificate?',
      ),
    ]),
  );
});

describe('the handshake', () => {
  it('is bounded in versions and ciphers, under the names of Java', () => {
    expect(
      tls({
        'kafka.properties.ssl.enabled.protocols': 'TLSv1.3,TLSv1.2',
        'kafka.properties.ssl.cipher.suites': 'TLS_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
      }).ssl,
    ).toEqual({
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES256-GCM-SHA384',
    });
    expect(tls({ 'kafka.ssl.protocol': 'TLSv1.2' }).ssl).toEqual({ maxVersion: 'TLSv1.2' });
  });

  it('checks the name of the host unless told not to', () => {
    expect(tls({}).ssl).toEqual({});
    const { ssl } = tls({ 'kafka.properties.ssl.endpoint.identification.algorithm': '' });
    expect(ssl?.checkServerIdentity?.()).toBeUndefined();
    expect(ssl).toHaveProperty('checkServerIdentity');
  });
});
