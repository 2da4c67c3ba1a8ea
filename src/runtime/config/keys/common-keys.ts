import { choice, duration, list, string } from '../config-key.js';

// Keys of all clients: where the cluster is, how to get in. Part of the table in config-keys.ts.

const SERVERS = { item: /^\S+:\d{1,5}$/, allowed: 'host:port, several between commas' };

export const COMMON_KEYS = {
  'bootstrap-servers': list({
    default: [],
    ...SERVERS,
    property: 'bootstrap.servers',
    doc: 'Servers to find the cluster by. Without it a broker starts beside the application.',
    acts: 'runtime/nest/kafka-connection',
  }),
  'client-id': string({
    default: 'nestdaw',
    property: 'client.id',
    doc: 'Name that requests carry, for the logs and quotas of the brokers.',
    acts: 'runtime/client/cluster',
  }),
  'properties.socket.connection.setup.timeout.ms': duration({
    default: 10_000,
    min: 1,
    property: 'socket.connection.setup.timeout.ms',
    doc: 'How long connecting and authenticating may take.',
    acts: 'runtime/client/cluster',
  }),
  'security.protocol': choice(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'], {
    default: 'PLAINTEXT',
    property: 'security.protocol',
    doc: 'Whether connections are encrypted, and whether they log in.',
    acts: 'runtime/config/security',
  }),
  'properties.sasl.mechanism': choice(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], {
    default: undefined,
    property: 'sasl.mechanism',
    doc: 'How connections log in, under the protocols SASL_PLAINTEXT and SASL_SSL.',
    acts: 'runtime/config/security',
  }),
  'properties.sasl.jaas.config': string({
    default: undefined,
    property: 'sasl.jaas.config',
    allowed: '…LoginModule required username="…" password="…";',
    doc: "User and password, in the form of Kafka's login modules.",
    acts: 'runtime/config/security',
  }),
  'ssl.trust-store-certificates': string({
    default: undefined,
    property: 'ssl.truststore.certificates',
    allowed: 'certificates as PEM text',
    doc: 'Certificates to trust. Default: those that Node trusts.',
    acts: 'runtime/config/security',
  }),
  'ssl.key-store-certificate-chain': string({
    default: undefined,
    property: 'ssl.keystore.certificate.chain',
    allowed: 'a certificate chain as PEM text',
    doc: "This client's certificate, where the brokers ask for one.",
    acts: 'runtime/config/security',
  }),
  'ssl.key-store-key': string({
    default: undefined,
    property: 'ssl.keystore.key',
    allowed: 'a private key as PEM text',
    doc: "The key of this client's certificate.",
    acts: 'runtime/config/security',
  }),
  'ssl.key-password': string({
    default: undefined,
    property: 'ssl.key.password',
    doc: 'Password of the private key.',
    acts: 'runtime/config/security',
  }),
} as const;
