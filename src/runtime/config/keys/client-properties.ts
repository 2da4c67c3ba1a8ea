import {
  boolean,
  type ClientKind,
  type ConfigKey,
  dataSize,
  decimal,
  duration,
  integer,
  type KeyFacts,
  list,
  string,
} from '../config-key.js';
import { BROKER_SIDE, NO_ADMIN, NO_JMX, NO_KERBEROS, SOCKET } from './reasons.js';

// Kafka's own client properties that have no effect here, each with the reason. They may stand under `properties.` and
// `<client>.properties.`, as those do that act (which the tables of the clients have).

export interface InertProperty extends ConfigKey<unknown> {
  readonly clients: readonly ClientKind[];
  readonly inert: string;
}

const ALL: readonly ClientKind[] = ['consumer', 'producer', 'admin'];
const CONSUMER: readonly ClientKind[] = ['consumer'];
const PRODUCER: readonly ClientKind[] = ['producer'];
const ADMIN: readonly ClientKind[] = ['admin'];
const MAX_INT = 0x7fff_ffff;

type Facts = Pick<KeyFacts, 'doc' | 'holds'> & { readonly inert: string };

const of = (clients: readonly ClientKind[], inert: string, key: ConfigKey<unknown>): InertProperty => ({
  ...key,
  clients,
  inert,
});
const text = (clients: readonly ClientKind[], fallback: string | undefined, { inert, ...facts }: Facts) =>
  of(clients, inert, string({ default: fallback, ...facts }));
const items = (clients: readonly ClientKind[], fallback: readonly string[], { inert, ...facts }: Facts) =>
  of(clients, inert, list({ default: fallback, ...facts }));
const flag = (clients: readonly ClientKind[], fallback: boolean, { inert, ...facts }: Facts) =>
  of(clients, inert, boolean({ default: fallback, ...facts }));
const time = (clients: readonly ClientKind[], fallback: number, { inert, ...facts }: Facts, min = 0) =>
  of(clients, inert, duration({ default: fallback, min, ...facts }));
const bytes = (clients: readonly ClientKind[], fallback: number, { inert, ...facts }: Facts) =>
  of(clients, inert, dataSize({ default: fallback, min: -1, max: MAX_INT, ...facts }));
const count = (clients: readonly ClientKind[], fallback: number, { inert, ...facts }: Facts, min = 0) =>
  of(clients, inert, integer({ default: fallback, min, max: MAX_INT, ...facts }));
const share = (clients: readonly ClientKind[], fallback: number, { inert, ...facts }: Facts) =>
  of(clients, inert, decimal({ default: fallback, min: 0, max: 1, ...facts }));

const RECONNECT = 'a lost connection is opened again when it is needed, under retry.backoff.ms; set that';
const NO_SHARE = 'there are no share groups here yet; use a consumer group with workers';
const TOKEN = 'tokens come from the flow of client credentials alone; give client id, secret and token endpoint';

export const INERT_PROPERTIES: Readonly<Record<string, InertProperty>> = {
  // Connections
  'bootstrap.controllers': items(ADMIN, [], { doc: 'Controllers to ask instead of brokers.', inert: NO_ADMIN }),
  'client.dns.lookup': text(ALL, 'use_all_dns_ips', {
    doc: 'Which addresses of a name are tried.',
    inert: 'Node tries all addresses of a name; list the servers one by one to say otherwise',
    holds: 'use_all_dns_ips',
  }),
  'connections.max.idle.ms': time(
    ALL,
    540_000,
    {
      doc: 'After this time an idle connection is closed.',
      inert:
        'connections stay open until the broker closes them, and are opened again when needed; set it on the broker',
      holds: '-1',
    },
    -1,
  ),
  'socket.connection.setup.timeout.max.ms': time(ALL, 30_000, {
    doc: 'Longest time that connecting may take after failures.',
    inert: 'the time to connect does not grow; set socket.connection.setup.timeout.ms',
  }),
  'reconnect.backoff.ms': time(ALL, 50, { doc: 'First delay before connecting again.', inert: RECONNECT }),
  'reconnect.backoff.max.ms': time(ALL, 1_000, { doc: 'Longest delay before connecting again.', inert: RECONNECT }),
  'send.buffer.bytes': bytes(ALL, 131_072, { doc: "Size of the socket's send buffer.", inert: SOCKET }),
  'receive.buffer.bytes': bytes(ALL, 65_536, { doc: "Size of the socket's receive buffer.", inert: SOCKET }),
  'bootstrap.resolve.timeout.ms': time(ALL, 120_000, {
    doc: 'How long the names of the servers may take to resolve.',
    inert: 'resolving is part of connecting; set socket.connection.setup.timeout.ms',
  }),
  'metadata.max.idle.ms': time(PRODUCER, 300_000, {
    doc: 'After this time an unused topic is forgotten.',
    inert: 'the producer keeps the topics that it has sent to; there is nothing to set',
  }),
  'metadata.recovery.strategy': text(ALL, 'rebootstrap', {
    doc: 'What happens when no known broker answers.',
    inert: 'the configured servers are asked again when no known broker answers; there is nothing to set',
    holds: 'rebootstrap',
  }),
  'metadata.recovery.rebootstrap.trigger.ms': time(ALL, 300_000, {
    doc: 'Time without any broker after which the configured servers are asked again.',
    inert: 'the configured servers are asked again at once when no known broker answers; there is nothing to set',
  }),
  'metadata.cluster.check.enable': flag(ALL, false, {
    doc: 'Whether brokers of another cluster are noticed.',
    inert: 'clusters are not told apart here; name the servers of one cluster only',
    holds: 'false',
  }),
  // Metrics
  'metrics.sample.window.ms': time(ALL, 30_000, { doc: 'Window of a metric.', inert: NO_JMX }),
  'metrics.num.samples': count(ALL, 2, { doc: 'Windows of a metric.', inert: NO_JMX }, 1),
  'metrics.recording.level': text(ALL, 'INFO', { doc: 'Which metrics are taken.', inert: NO_JMX }),
  'metric.reporters': items(ALL, [], { doc: 'Classes that receive metrics.', inert: NO_JMX }),
  'enable.metrics.push': flag(ALL, true, {
    doc: 'Whether metrics are sent to the brokers (KIP-714).',
    inert: 'metrics are not sent to brokers; ask a listener container for its numbers with describe()',
    holds: 'false',
  }),
  'auto.include.jmx.reporter': flag(ALL, true, {
    doc: 'Whether JMX shows the metrics.',
    inert: NO_JMX,
    holds: 'false',
  }),
  // Classes
  'config.providers': items(ALL, [], {
    doc: 'Classes that fill placeholders.',
    inert: 'placeholders are filled from all sources; use spring.config.import with configtree: or another file',
  }),
  'security.providers': text(ALL, undefined, {
    doc: 'Java security providers.',
    inert: "encryption is Node's; choose with ssl.cipher.suites and ssl.enabled.protocols",
  }),
  // Encryption
  'ssl.provider': text(ALL, undefined, { doc: 'Java provider of TLS.', inert: "encryption is Node's; remove the key" }),
  'ssl.keymanager.algorithm': text(ALL, undefined, {
    doc: 'Java algorithm for keys.',
    inert: "keys are handled by Node's TLS; remove the key",
  }),
  'ssl.trustmanager.algorithm': text(ALL, undefined, {
    doc: 'Java algorithm for trust.',
    inert: "trust is checked by Node's TLS; remove the key",
  }),
  'ssl.secure.random.implementation': text(ALL, undefined, {
    doc: 'Java source of chance.',
    inert: "chance is Node's; remove the key",
  }),
  'ssl.engine.factory.class': text(ALL, undefined, {
    doc: 'Java class that makes TLS engines.',
    inert: 'a Java class does not run here; give certificates with ssl.bundle or the store keys',
  }),
  // Login
  'sasl.client.callback.handler.class': text(ALL, undefined, {
    doc: 'Java class that answers questions of a login.',
    inert: 'a Java class does not run here; give user and password in sasl.jaas.config',
  }),
  'sasl.login.callback.handler.class': text(ALL, undefined, {
    doc: 'Java class that fetches tokens.',
    inert: 'a Java class does not run here; OAUTHBEARER and AWS_MSK_IAM fetch their tokens themselves',
  }),
  'sasl.login.class': text(ALL, undefined, {
    doc: 'Java class of the login.',
    inert: 'a Java class does not run here; remove the key',
  }),
  'sasl.kerberos.service.name': text(ALL, undefined, { doc: 'Name of the service in Kerberos.', inert: NO_KERBEROS }),
  'sasl.kerberos.kinit.cmd': text(ALL, '/usr/bin/kinit', { doc: 'Path of kinit.', inert: NO_KERBEROS }),
  'sasl.kerberos.ticket.renew.window.factor': share(ALL, 0.8, { doc: 'When a ticket is renewed.', inert: NO_KERBEROS }),
  'sasl.kerberos.ticket.renew.jitter': share(ALL, 0.05, { doc: 'Chance in renewing.', inert: NO_KERBEROS }),
  'sasl.kerberos.min.time.before.relogin': time(ALL, 60_000, { doc: 'Time between logins.', inert: NO_KERBEROS }),
  'sasl.login.refresh.window.jitter': share(ALL, 0.05, {
    doc: 'Chance in the time at which a token is renewed.',
    inert: 'a token is fetched when a connection needs one after sasl.login.refresh.window.factor; set that',
  }),
  'sasl.login.refresh.min.period.seconds': count(ALL, 60, {
    doc: 'Shortest time between renewals of a token.',
    inert: 'a token is fetched when a connection needs one after sasl.login.refresh.window.factor; set that',
  }),
  'sasl.oauthbearer.scope.claim.name': text(ALL, 'scope', { doc: 'Claim with the scope.', inert: BROKER_SIDE }),
  'sasl.oauthbearer.sub.claim.name': text(ALL, 'sub', { doc: 'Claim with the subject.', inert: BROKER_SIDE }),
  'sasl.oauthbearer.jwks.endpoint.url': text(ALL, undefined, { doc: 'Where keys are fetched.', inert: BROKER_SIDE }),
  'sasl.oauthbearer.jwks.endpoint.refresh.ms': time(ALL, 3_600_000, {
    doc: 'When keys are renewed.',
    inert: BROKER_SIDE,
  }),
  'sasl.oauthbearer.jwks.endpoint.retry.backoff.ms': time(ALL, 100, { doc: 'First delay.', inert: BROKER_SIDE }),
  'sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms': time(ALL, 10_000, {
    doc: 'Longest delay.',
    inert: BROKER_SIDE,
  }),
  'sasl.oauthbearer.clock.skew.seconds': count(ALL, 30, { doc: 'Difference of clocks.', inert: BROKER_SIDE }),
  'sasl.oauthbearer.expected.audience': items(ALL, [], { doc: 'Audience to expect.', inert: BROKER_SIDE }),
  'sasl.oauthbearer.expected.issuer': text(ALL, undefined, { doc: 'Issuer to expect.', inert: BROKER_SIDE }),
  'sasl.oauthbearer.jwt.retriever.class': text(ALL, undefined, {
    doc: 'Java class that fetches tokens.',
    inert: TOKEN,
  }),
  'sasl.oauthbearer.jwt.validator.class': text(ALL, undefined, {
    doc: 'Java class that checks tokens.',
    inert: BROKER_SIDE,
  }),
  'sasl.oauthbearer.assertion.algorithm': text(ALL, 'RS256', { doc: 'Signature of an assertion.', inert: TOKEN }),
  'sasl.oauthbearer.assertion.claim.aud': text(ALL, undefined, { doc: 'Claim of an assertion.', inert: TOKEN }),
  'sasl.oauthbearer.assertion.claim.iss': text(ALL, undefined, { doc: 'Claim of an assertion.', inert: TOKEN }),
  'sasl.oauthbearer.assertion.claim.sub': text(ALL, undefined, { doc: 'Claim of an assertion.', inert: TOKEN }),
  'sasl.oauthbearer.assertion.claim.exp.seconds': count(ALL, 300, { doc: 'Claim of an assertion.', inert: TOKEN }),
  'sasl.oauthbearer.assertion.claim.nbf.seconds': count(ALL, 60, { doc: 'Claim of an assertion.', inert: TOKEN }),
  'sasl.oauthbearer.assertion.claim.jti.include': flag(ALL, false, { doc: 'Claim of an assertion.', inert: TOKEN }),
  'sasl.oauthbearer.assertion.file': text(ALL, undefined, { doc: 'File with an assertion.', inert: TOKEN }),
  'sasl.oauthbearer.assertion.template.file': text(ALL, undefined, { doc: 'Template of an assertion.', inert: TOKEN }),
  'sasl.oauthbearer.assertion.private.key.file': text(ALL, undefined, { doc: 'Key of an assertion.', inert: TOKEN }),
  'sasl.oauthbearer.assertion.private.key.passphrase': text(ALL, undefined, {
    doc: 'Password of the key of an assertion.',
    inert: TOKEN,
  }),
  // Consumers
  'group.protocol': text(CONSUMER, 'classic', {
    doc: 'How members of a group agree: classic, or consumer (KIP-848).',
    inert: 'members agree by the classic protocol, with every broker; the application sees no difference',
    holds: 'classic',
  }),
  'group.remote.assignor': text(CONSUMER, undefined, {
    doc: "The broker's assignor under group.protocol=consumer.",
    inert: 'members agree by the classic protocol; set partition.assignment.strategy',
  }),
  'share.acknowledgement.mode': text(CONSUMER, 'implicit', { doc: 'How a share group acknowledges.', inert: NO_SHARE }),
  'share.acquire.mode': text(CONSUMER, 'batch_optimized', { doc: 'How a share group acquires.', inert: NO_SHARE }),
  // Producers
  'compression.lz4.level': count(
    PRODUCER,
    9,
    {
      doc: 'Effort of lz4.',
      inert: 'the codec has one effort; choose zstd with compression.zstd.level for smaller batches',
    },
    1,
  ),
  'transaction.two.phase.commit.enable': flag(PRODUCER, false, {
    doc: 'Whether somebody else decides transactions.',
    inert: 'every transaction is decided here, within transaction.timeout.ms',
    holds: 'false',
  }),
};
