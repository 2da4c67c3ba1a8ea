import { type Environment, PlaceholderError } from '../environment.js';
import { parseList } from '../formats.js';

// Boot's SSL bundles: `spring.ssl.bundle.pem.<name>.…` and `spring.ssl.bundle.jks.<name>.…`.

export interface SslBundle {
  /** A location, or PEM text. */
  readonly keyStore?: string;
  /** A location, or PEM text; where the key is not in the key store itself. */
  readonly privateKey?: string;
  readonly password?: string;
  readonly trustStore?: string;
  readonly protocols: readonly string[];
  readonly ciphers: readonly string[];
}

const KINDS = ['pem', 'jks'] as const;

/** Undefined when there is no bundle of that name. */
export function sslBundle(environment: Environment, name: string): SslBundle | undefined {
  const kind = KINDS.find((one) => bundlesOf(environment, one).includes(name.toLowerCase()));
  if (kind === undefined) return undefined;
  const get = (key: string): string | undefined => value(environment, `spring.ssl.bundle.${kind}.${name}.${key}`);
  const common = {
    protocols: parseList(get('options.enabled-protocols') ?? ''),
    ciphers: parseList(get('options.ciphers') ?? ''),
  };
  const parts =
    kind === 'pem'
      ? {
          keyStore: get('keystore.certificate'),
          privateKey: get('keystore.private-key'),
          password: get('keystore.private-key-password') ?? get('key.password'),
          trustStore: get('truststore.certificate'),
        }
      : {
          keyStore: get('keystore.location'),
          privateKey: undefined,
          password: get('keystore.password') ?? get('key.password'),
          trustStore: get('truststore.location'),
        };
  const set = Object.entries(parts).filter(([, part]) => part !== undefined);
  return { ...common, ...(Object.fromEntries(set) as Partial<SslBundle>) };
}

/** Names of all bundles, for messages. */
export function bundleNames(environment: Environment): string[] {
  return [...new Set(KINDS.flatMap((kind) => bundlesOf(environment, kind)))];
}

function bundlesOf(environment: Environment, kind: string): string[] {
  const names = new Set<string>();
  for (const source of environment.sources) {
    for (const { key } of source.entries()) {
      const match = /^spring[._]ssl[._]bundle[._](pem|jks)[._]([^._]+)[._]/i.exec(key);
      if (match && match[1]!.toLowerCase() === kind) names.add(match[2]!.toLowerCase());
    }
  }
  return [...names];
}

function value(environment: Environment, name: string): string | undefined {
  try {
    const text = environment.get(name);
    return text === '' ? undefined : text;
  } catch (error) {
    if (error instanceof PlaceholderError) return undefined;
    throw error;
  }
}
