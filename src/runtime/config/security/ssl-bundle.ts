import { nearestName } from '../../../common/nearest-name.js';
import { type Environment, PlaceholderError } from '../environment.js';
import { parseList, relaxed } from '../formats.js';
import { type Mistake } from '../mistakes.js';

// Boot's SSL bundles: `spring.ssl.bundle.pem.<name>.…` and `spring.ssl.bundle.jks.<name>.…`.

export interface SslBundle {
  /** A location, or PEM text. */
  readonly keyStore?: string;
  /** A location, or PEM text; where the key is not in the key store itself. */
  readonly privateKey?: string;
  readonly password?: string;
  readonly trustStore?: string;
  /** Of a trust store file. */
  readonly trustPassword?: string;
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
          trustPassword: get('truststore.password'),
        };
  const set = Object.entries(parts).filter(([, part]) => part !== undefined);
  return { ...common, ...(Object.fromEntries(set) as Partial<SslBundle>) };
}

const STORE = ['location', 'password', 'type', 'provider'];
const PEM_STORE = ['certificate', 'private-key', 'private-key-password', 'type', 'verify-keys'];
const ANYWHERE = [
  'key.alias',
  'key.password',
  'options.ciphers',
  'options.enabled-protocols',
  'protocol',
  'reload-on-update',
];
const NAMES: Readonly<Record<string, readonly string[]>> = {
  pem: [...inStores(PEM_STORE), ...ANYWHERE],
  jks: [...inStores(STORE), ...ANYWHERE],
};

function inStores(names: readonly string[]): string[] {
  return ['keystore', 'truststore'].flatMap((store) => names.map((name) => `${store}.${name}`));
}

/** Names below a bundle that Boot does not have: a certificate that was meant, and is not shown. */
export function unknownInBundle(environment: Environment, bundle: string): Mistake[] {
  return environment.sources.flatMap((source) =>
    [...source.entries()].flatMap((entry): Mistake[] => {
      const match = /^spring\.ssl\.bundle\.(pem|jks)\.([^.]+)\.([^[]+)/i.exec(entry.key);
      if (!match || match[2]!.toLowerCase() !== bundle.toLowerCase()) return [];
      const names = NAMES[match[1]!.toLowerCase()]!;
      const written = match[3]!;
      if (names.some((name) => relaxed(name) === relaxed(written))) return [];
      const near = nearestName(written.toLowerCase(), names);
      return [
        { ...entry, problem: `a bundle has no ${written}${near ? `; did you mean ${near}?` : ''}`, isUnknown: true },
      ];
    }),
  );
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
