import { boolean, integer, map, string } from '../config-key.js';

// Keys of the broker beside the application. Part of the table in config-keys.ts.

export const EMBEDDED_KEYS = {
  'embedded.enabled': boolean({
    default: true,
    doc: 'Whether a broker starts beside the application when bootstrap-servers is not set.',
    acts: 'runtime/nest/connection/kafka-connection',
  }),
  'embedded.data-dir': string({
    default: './.nestdaw/data',
    allowed: 'a directory, relative to the working directory',
    doc: "The embedded broker's data directory.",
    acts: 'embedded',
  }),
  'embedded.host': string({
    default: '127.0.0.1',
    allowed: 'an address of this machine',
    doc: 'Address that the embedded broker listens on.',
    acts: 'embedded',
  }),
  'embedded.port': integer({
    default: undefined,
    min: 0,
    max: 65_535,
    doc: 'Port of the embedded broker; 0 takes any free one. Default: that of its last start, else 9092, else a free one.',
    acts: 'embedded',
  }),
  'embedded.properties': map({
    doc: "The embedded broker's own keys, as in Kafka's server.properties: embedded.properties.num.partitions=6.",
    acts: 'broker/broker-config',
  }),
} as const;
