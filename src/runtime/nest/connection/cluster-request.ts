import { type Clock } from '../../../common/clock.js';
import { type Logger } from '../../../common/logger.js';
import { type ProcessHold } from '../../../common/process-hold.js';
import { mskRegion, mskToken } from '../../client/security/msk-tokens.js';
import { OAuthTokens } from '../../client/security/oauth-tokens.js';
import { type TokenMechanism, tokenLogin } from '../../client/security/token-login.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Login, type PasswordLogin } from '../../config/security/login.js';
import { type SecureClient } from '../../config/security/security-sources.js';
import { type TlsSettings } from '../../config/security/tls.js';

// What a cluster is opened with, from the validated properties.

/** What a cluster is opened with. */
export interface ClusterRequest {
  readonly bootstrapServers: readonly string[];
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly connectionSetupTimeoutMs: number;
  readonly metadataMaxAgeMs: number;
  readonly allowAutoCreateTopics: boolean;
  readonly ssl?: TlsSettings;
  readonly sasl?: PasswordLogin | TokenMechanism;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Whether idle connections keep the process alive: not before the application has started. */
  readonly hold: ProcessHold;
}

/** The part of a request that the properties decide. */
export type RequestNumbers = Omit<ClusterRequest, 'bootstrapServers' | 'ssl' | 'sasl' | 'logger' | 'clock' | 'hold'>;

export function producerRequest(properties: KafkaProperties): RequestNumbers {
  return {
    clientId: properties.get('producer.client-id') ?? properties.get('client-id'),
    requestTimeoutMs: properties.get('producer.properties.request.timeout.ms'),
    connectionSetupTimeoutMs: properties.getFor('producer', 'properties.socket.connection.setup.timeout.ms'),
    metadataMaxAgeMs: properties.get('producer.properties.metadata.max.age.ms'),
    allowAutoCreateTopics: true,
  };
}

export function adminRequest(properties: KafkaProperties): RequestNumbers {
  return {
    clientId: properties.get('admin.client-id') ?? `${properties.get('client-id')}-admin`,
    requestTimeoutMs: properties.get('admin.properties.request.timeout.ms'),
    connectionSetupTimeoutMs: properties.getFor('admin', 'properties.socket.connection.setup.timeout.ms'),
    metadataMaxAgeMs: properties.get('producer.properties.metadata.max.age.ms'),
    allowAutoCreateTopics: false,
  };
}

/** Id and index tell the consumers of one application apart; a listener may choose what stands before the index. */
export function consumerRequest(
  properties: KafkaProperties,
  { id, clientIdPrefix }: { readonly id: string; readonly clientIdPrefix?: string | undefined },
  index: number,
): RequestNumbers {
  const clientId =
    properties.get('listener.client-id') ?? properties.get('consumer.client-id') ?? properties.get('client-id');
  return {
    clientId: `${clientIdPrefix ?? `${clientId}-${id}`}-${index}`,
    requestTimeoutMs: properties.get('consumer.properties.request.timeout.ms'),
    connectionSetupTimeoutMs: properties.getFor('consumer', 'properties.socket.connection.setup.timeout.ms'),
    metadataMaxAgeMs: properties.get('consumer.properties.metadata.max.age.ms'),
    allowAutoCreateTopics: properties.get('consumer.properties.allow.auto.create.topics'),
  };
}

/** Servers of one kind of client; empty where none are configured. */
export function configuredServers(properties: KafkaProperties, client: SecureClient): readonly string[] {
  return properties.getFor(client, 'bootstrap-servers');
}

/** A login as the transport takes it. One provider serves all connections of a client, and so one token does. */
export function saslOf(
  login: Login | undefined,
  servers: () => readonly string[],
  clock: Clock,
): ClusterRequest['sasl'] | undefined {
  if (login?.mechanism === 'oauthbearer') {
    const tokens = new OAuthTokens({ ...login.tokens, clock });
    return tokenLogin(() => tokens.token());
  }
  if (login?.mechanism === 'aws-msk-iam') {
    return tokenLogin(() => mskToken(mskRegion(servers(), process.env)));
  }
  return login;
}
