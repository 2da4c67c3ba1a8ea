import { duration, keysOfClient, list, map, string } from '../config-key.js';
import { NO_JMX } from './reasons.js';

// Keys of all clients: where the cluster is, and how to reach it. Part of the table in config-keys.ts.

const SERVERS = { item: /^\S+:\d{1,5}$/, allowed: 'host:port, several between commas' };

export const COMMON_KEYS = {
  'bootstrap-servers': list({
    default: [],
    ...SERVERS,
    property: 'bootstrap.servers',
    ownFirst: true,
    kafkaDefault: 'localhost:9092',
    doc: 'Servers to find the cluster by. Without it a broker starts beside the application.',
    acts: 'runtime/nest/connection/kafka-connection',
  }),
  'client-id': string({
    default: 'nestdaw',
    property: 'client.id',
    kafkaDefault: 'none',
    doc: 'Name that requests carry, for the logs and quotas of the brokers.',
    acts: 'runtime/client/cluster',
  }),
  properties: map({
    closed: true,
    doc: "Kafka's own client properties, for all clients: properties.request.timeout.ms=20000.",
    acts: 'runtime/config/kafka-properties',
  }),
  'properties.metrics.context': map({
    doc: 'Labels of metrics, for reporters.',
    inert: NO_JMX,
  }),
  'properties.socket.connection.setup.timeout.ms': duration({
    default: 10_000,
    min: 1,
    property: 'socket.connection.setup.timeout.ms',
    doc: 'How long connecting and authenticating may take.',
    acts: 'runtime/client/cluster',
  }),
} as const;

const PER_CLIENT = { 'bootstrap-servers': COMMON_KEYS['bootstrap-servers'] } as const;
const SETUP = {
  'properties.socket.connection.setup.timeout.ms': COMMON_KEYS['properties.socket.connection.setup.timeout.ms'],
  'properties.metrics.context': COMMON_KEYS['properties.metrics.context'],
} as const;

export const CONSUMER_CONNECTION_KEYS = { ...keysOfClient('consumer', PER_CLIENT), ...keysOfClient('consumer', SETUP) };
export const ADMIN_CONNECTION_KEYS = keysOfClient('admin', {
  'properties.metrics.context': COMMON_KEYS['properties.metrics.context'],
});
export const PRODUCER_CONNECTION_KEYS = { ...keysOfClient('producer', PER_CLIENT), ...keysOfClient('producer', SETUP) };
