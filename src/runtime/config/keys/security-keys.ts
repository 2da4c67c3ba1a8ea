import { boolean, choice, decimal, duration, integer, keysOfClient, list, map, string } from '../config-key.js';

// Keys of encryption and login. All of them exist for all clients and, over that, for consumers, the producer and the
// admin client alone. Part of the table in config-keys.ts.

const acts = 'runtime/config/security';

const SSL = {
  'ssl.bundle': string({
    default: undefined,
    doc: 'Name of a bundle of certificates under spring.ssl.bundle.pem. or spring.ssl.bundle.jks.; excludes the store keys below.',
    acts,
  }),
  'ssl.key-password': string({
    default: undefined,
    property: 'ssl.key.password',
    doc: 'Password of the private key.',
    acts,
  }),
  'ssl.key-store-certificate-chain': string({
    default: undefined,
    property: 'ssl.keystore.certificate.chain',
    allowed: 'a certificate chain as PEM text',
    doc: "This client's certificate, where the brokers ask for one.",
    acts,
  }),
  'ssl.key-store-key': string({
    default: undefined,
    property: 'ssl.keystore.key',
    allowed: 'a private key as PEM text',
    doc: "The key of this client's certificate; excludes key-store-location.",
    acts,
  }),
  'ssl.key-store-location': string({
    default: undefined,
    property: 'ssl.keystore.location',
    allowed: 'a file: PEM with key and certificates, or PKCS12',
    doc: "File with this client's certificate and key.",
    acts,
  }),
  'ssl.key-store-password': string({
    default: undefined,
    property: 'ssl.keystore.password',
    doc: 'Password of the key store file.',
    acts,
  }),
  'ssl.key-store-type': choice(['PEM', 'PKCS12', 'JKS'], {
    default: undefined,
    property: 'ssl.keystore.type',
    kafkaDefault: 'JKS',
    doc: 'Kind of the key store file. Default: what the file shows. A real JKS file is refused with the command that converts it.',
    acts,
  }),
  'ssl.protocol': choice(['TLS', 'TLSv1.2', 'TLSv1.3'], {
    default: undefined,
    property: 'ssl.protocol',
    doc: 'Highest version of TLS. Default: what Node offers.',
    acts,
  }),
  'ssl.trust-store-certificates': string({
    default: undefined,
    property: 'ssl.truststore.certificates',
    allowed: 'certificates as PEM text',
    doc: 'Certificates to trust; excludes trust-store-location. Default: those that Node trusts.',
    acts,
  }),
  'ssl.trust-store-location': string({
    default: undefined,
    property: 'ssl.truststore.location',
    allowed: 'a file with certificates: PEM, or PKCS12 (with the package node-forge)',
    doc: 'File with the certificates to trust.',
    acts,
  }),
  'ssl.trust-store-password': string({
    default: undefined,
    property: 'ssl.truststore.password',
    doc: 'Password of the trust store file, where it is PKCS12.',
    acts,
  }),
  'ssl.trust-store-type': choice(['PEM', 'PKCS12', 'JKS'], {
    default: undefined,
    property: 'ssl.truststore.type',
    kafkaDefault: 'JKS',
    doc: 'Kind of the trust store file. Default: what the file shows. A real JKS file is refused with the command that converts it.',
    acts,
  }),
  'properties.ssl.enabled.protocols': list({
    default: [],
    item: /^TLSv1\.[23]$/,
    allowed: 'TLSv1.2, TLSv1.3, or both between commas',
    property: 'ssl.enabled.protocols',
    kafkaDefault: 'TLSv1.2,TLSv1.3',
    doc: 'Versions of TLS that may be used. Default: what Node offers.',
    acts,
  }),
  'properties.ssl.cipher.suites': list({
    default: [],
    property: 'ssl.cipher.suites',
    allowed: "names of cipher suites, Java's or OpenSSL's, between commas",
    doc: 'Cipher suites that may be used. Default: what Node offers.',
    acts,
  }),
  'properties.ssl.endpoint.identification.algorithm': string({
    default: 'https',
    property: 'ssl.endpoint.identification.algorithm',
    allowed: 'https, or nothing: certificates are then taken for any host',
    emptyCounts: true,
    doc: "Whether a broker's certificate must name the host that is connected to (https), or not (empty).",
    acts,
  }),
} as const;

const SASL = {
  'properties.sasl.mechanism': choice(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER', 'AWS_MSK_IAM'], {
    default: undefined,
    property: 'sasl.mechanism',
    kafkaDefault: 'GSSAPI',
    otherwise: 'GSSAPI (Kerberos) does not exist in Node',
    doc: 'How connections log in, under the protocols SASL_PLAINTEXT and SASL_SSL.',
    acts,
  }),
  'properties.sasl.jaas.config': string({
    default: undefined,
    property: 'sasl.jaas.config',
    allowed: '…LoginModule required username="…" password="…";',
    doc: "User and password, or client id and secret, in the form of Kafka's login modules.",
    acts,
  }),
  'properties.sasl.oauthbearer.token.endpoint.url': string({
    default: undefined,
    property: 'sasl.oauthbearer.token.endpoint.url',
    allowed: 'an http or https address',
    doc: 'Where OAUTHBEARER fetches its tokens, by the flow of client credentials.',
    acts,
  }),
  'properties.sasl.oauthbearer.client.credentials.client.id': string({
    default: undefined,
    property: 'sasl.oauthbearer.client.credentials.client.id',
    doc: 'Client id for the token endpoint, in place of clientId in sasl.jaas.config.',
    acts,
  }),
  'properties.sasl.oauthbearer.client.credentials.client.secret': string({
    default: undefined,
    property: 'sasl.oauthbearer.client.credentials.client.secret',
    doc: 'Client secret for the token endpoint, in place of clientSecret in sasl.jaas.config.',
    acts,
  }),
  'properties.sasl.oauthbearer.scope': string({
    default: undefined,
    property: 'sasl.oauthbearer.scope',
    doc: 'Scope to ask the token endpoint for, in place of scope in sasl.jaas.config.',
    acts,
  }),
  'properties.sasl.oauthbearer.header.urlencode': boolean({
    default: false,
    property: 'sasl.oauthbearer.header.urlencode',
    doc: 'Whether client id and secret are URL-encoded in the header of the request for a token.',
    acts,
  }),
  'properties.sasl.login.connect.timeout.ms': duration({
    default: undefined,
    min: 1,
    property: 'sasl.login.connect.timeout.ms',
    doc: 'With sasl.login.read.timeout.ms: how long one request for a token may take. Default 10 s for both together.',
    acts,
  }),
  'properties.sasl.login.read.timeout.ms': duration({
    default: undefined,
    min: 1,
    property: 'sasl.login.read.timeout.ms',
    doc: 'With sasl.login.connect.timeout.ms: how long one request for a token may take.',
    acts,
  }),
  'properties.sasl.login.retry.backoff.ms': duration({
    default: 100,
    min: 0,
    property: 'sasl.login.retry.backoff.ms',
    doc: 'First delay before a token is asked for again.',
    acts,
  }),
  'properties.sasl.login.retry.backoff.max.ms': duration({
    default: 10_000,
    min: 0,
    property: 'sasl.login.retry.backoff.max.ms',
    doc: 'Longest delay before a token is asked for again; after it the connection fails.',
    acts,
  }),
  'properties.sasl.login.refresh.window.factor': decimal({
    default: 0.8,
    min: 0.5,
    max: 1,
    property: 'sasl.login.refresh.window.factor',
    doc: "Share of a token's life after which the next one is fetched.",
    acts,
  }),
  'properties.sasl.login.refresh.buffer.seconds': integer({
    default: 300,
    min: 0,
    max: 3_600,
    property: 'sasl.login.refresh.buffer.seconds',
    doc: 'Seconds before its end at which a token is no longer used, as long as that leaves half of its life.',
    acts,
  }),
} as const;

const SHARED = {
  'security.protocol': choice(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'], {
    default: 'PLAINTEXT',
    property: 'security.protocol',
    ownFirst: true,
    doc: 'Whether connections are encrypted, and whether they log in.',
    acts,
  }),
  ...SSL,
  ...SASL,
} as const;

export const SECURITY_KEYS = {
  ...SHARED,
  'jaas.enabled': boolean({
    default: false,
    doc: 'Whether the login is put together from jaas.login-module and jaas.options where sasl.jaas.config is not set.',
    acts,
  }),
  'jaas.login-module': string({
    default: 'com.sun.security.auth.module.Krb5LoginModule',
    doc: "Login module: Kafka's PlainLoginModule, ScramLoginModule or OAuthBearerLoginModule.",
    acts,
  }),
  'jaas.control-flag': choice(['required', 'requisite', 'sufficient', 'optional'], {
    default: 'required',
    doc: 'What a failed login means to a JVM with several login modules.',
    inert: 'there is one login module, which is always required; remove the key',
    holds: 'required',
  }),
  'jaas.options': map({ doc: 'Options of the login module: jaas.options.username, jaas.options.password.', acts }),
  ...keysOfClient('consumer', SHARED),
  ...keysOfClient('producer', SHARED),
  ...keysOfClient('admin', SHARED),
} as const;

/** Names of the keys that exist for all clients and for each kind. */
export type SharedName = keyof typeof SHARED | 'bootstrap-servers' | 'properties.socket.connection.setup.timeout.ms';
