// PEM text as people have it: from files, or squeezed into one line of a properties file.

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g;

export interface PemParts {
  /** All certificates, in their order; empty without any. */
  readonly certificates: string;
  /** The private key; empty without one. */
  readonly key: string;
}

export function pemParts(text: string): PemParts {
  const blocks = [...text.matchAll(BLOCK)].map(([, kind, body]) => ({ kind: kind!, text: block(kind!, body!) }));
  const join = (wanted: (kind: string) => boolean) =>
    blocks
      .filter(({ kind }) => wanted(kind))
      .map((one) => one.text)
      .join('');
  return {
    certificates: join((kind) => kind.endsWith('CERTIFICATE')),
    key: join((kind) => kind.endsWith('PRIVATE KEY')),
  };
}

/** With the line ends that OpenSSL wants. A key encrypted the old way has headers, and so has its lines. */
function block(kind: string, body: string): string {
  const lines = body.includes(':') ? body.trim() : (body.replace(/\s+/g, '').match(/.{1,64}/g) ?? []).join('\n');
  return `-----BEGIN ${kind}-----\n${lines}\n-----END ${kind}-----\n`;
}
