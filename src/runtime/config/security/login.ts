import { type KafkaProperties } from '../kafka-properties.js';
import { type SharedName } from '../keys/security-keys.js';
import { type Mistake } from '../mistakes.js';
import { type JaasLogin, jaasLogin } from './jaas.js';
import { type SecureClient, securityMistake } from './security-sources.js';

// How connections log in, from Kafka's own keys.

interface Password<M extends string> {
  readonly mechanism: M;
  readonly username: string;
  readonly password: string;
}
export type PasswordLogin = Password<'plain'> | Password<'scram-sha-256'> | Password<'scram-sha-512'>;

/** Tokens from an endpoint, by the flow of client credentials. */
export interface TokenLogin {
  readonly mechanism: 'oauthbearer';
  readonly tokens: TokenSettings;
}

export interface TokenSettings {
  readonly endpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | undefined;
  readonly urlEncode: boolean;
  readonly timeoutMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  /** Share of its life after which a token is replaced. */
  readonly refreshFactor: number;
  /** Ms before its end at which a token is no longer used. */
  readonly bufferMs: number;
}

/** Tokens signed with the credentials of AWS. */
export interface MskLogin {
  readonly mechanism: 'aws-msk-iam';
}

export type Login = PasswordLogin | TokenLogin | MskLogin;

const PASSWORD_MECHANISMS = {
  PLAIN: 'plain',
  'SCRAM-SHA-256': 'scram-sha-256',
  'SCRAM-SHA-512': 'scram-sha-512',
} as const;
const MECHANISM = 'properties.sasl.mechanism';
const JAAS = 'properties.sasl.jaas.config';
const TOKEN_TIMEOUT_MS = 10_000;

export function loginOf(properties: KafkaProperties, client: SecureClient, mistakes: Mistake[]): Login | undefined {
  const report = (name: SharedName, problem: string): undefined => {
    mistakes.push(securityMistake(properties, client, name, problem));
    return undefined;
  };
  const protocol = properties.getFor(client, 'security.protocol');
  const mechanism = properties.getFor(client, MECHANISM);
  const jaas = jaasLogin(properties, client);
  const needed = (name: string) => `${properties.prefix}.${name}`;
  if (mechanism === undefined) {
    return report('security.protocol', `${protocol} needs ${needed(MECHANISM)}, and ${needed(JAAS)} with the login`);
  }
  if (mechanism === 'AWS_MSK_IAM') return { mechanism: 'aws-msk-iam' };
  if (mechanism === 'OAUTHBEARER') return tokenLogin(properties, client, jaas, report);
  if (!jaas) return report(MECHANISM, `${mechanism} needs ${needed(JAAS)} with user and password`);
  if (/krb5/i.test(jaas.module)) {
    return report(
      JAAS,
      `${jaas.module} is Kerberos, which does not exist in Node; name ScramLoginModule or PlainLoginModule`,
    );
  }
  const username = jaas.option('username');
  const password = jaas.option('password');
  if (username === undefined || password === undefined) {
    return report(
      JAAS,
      'holds no username="…" and password="…"; write …LoginModule required username="…" password="…";',
    );
  }
  return { mechanism: PASSWORD_MECHANISMS[mechanism], username, password } as PasswordLogin;
}

function tokenLogin(
  properties: KafkaProperties,
  client: SecureClient,
  jaas: JaasLogin | undefined,
  report: (name: SharedName, problem: string) => undefined,
): TokenLogin | undefined {
  const of = <N extends SharedName>(name: N) => properties.getFor(client, name);
  const endpoint = of('properties.sasl.oauthbearer.token.endpoint.url');
  const clientId = of('properties.sasl.oauthbearer.client.credentials.client.id') ?? jaas?.option('clientId');
  const clientSecret =
    of('properties.sasl.oauthbearer.client.credentials.client.secret') ?? jaas?.option('clientSecret');
  if (endpoint === undefined || clientId === undefined || clientSecret === undefined) {
    const lacks = [
      endpoint === undefined ? 'sasl.oauthbearer.token.endpoint.url' : '',
      clientId === undefined ? 'sasl.oauthbearer.client.credentials.client.id' : '',
      clientSecret === undefined ? 'sasl.oauthbearer.client.credentials.client.secret' : '',
    ].filter((name) => name !== '');
    return report(MECHANISM, `OAUTHBEARER needs ${lacks.join(', ')} under ${properties.prefix}.properties.`);
  }
  if (!/^https?:\/\/\S+$/i.test(endpoint)) {
    return report(
      'properties.sasl.oauthbearer.token.endpoint.url',
      'is no http or https address; write https://host/path',
    );
  }
  const connect = of('properties.sasl.login.connect.timeout.ms');
  const read = of('properties.sasl.login.read.timeout.ms');
  return {
    mechanism: 'oauthbearer',
    tokens: {
      endpoint,
      clientId,
      clientSecret,
      scope: of('properties.sasl.oauthbearer.scope') ?? jaas?.option('scope'),
      urlEncode: of('properties.sasl.oauthbearer.header.urlencode'),
      timeoutMs: connect === undefined && read === undefined ? TOKEN_TIMEOUT_MS : (connect ?? 0) + (read ?? 0),
      retryBackoffMs: of('properties.sasl.login.retry.backoff.ms'),
      retryBackoffMaxMs: of('properties.sasl.login.retry.backoff.max.ms'),
      refreshFactor: of('properties.sasl.login.refresh.window.factor'),
      bufferMs: of('properties.sasl.login.refresh.buffer.seconds') * 1_000,
    },
  };
}
