import { boolean, choice, duration, integer, map, string } from '../config-key.js';

// Keys of what stands above the clients: listener containers, the template, the embedded broker. Part of the table in
// config-keys.ts.

export const LISTENER_KEYS = {
  'listener.type': choice(['single', 'batch'], {
    default: 'single',
    doc: 'Whether listeners receive records or all records of a poll, where they do not say.',
    acts: 'runtime/nest/listener-explorer',
  }),
  'listener.ack-mode': choice(['RECORD', 'BATCH', 'TIME', 'COUNT', 'COUNT_TIME', 'MANUAL', 'MANUAL_IMMEDIATE'], {
    default: undefined,
    doc: 'When finished work is committed, where listeners do not say. Default BATCH.',
    acts: 'runtime/listener',
  }),
  'listener.ack-count': integer({
    default: 1,
    min: 1,
    doc: 'Finished records between commits under COUNT and COUNT_TIME.',
    acts: 'runtime/listener',
  }),
  'listener.ack-time': duration({
    default: 5_000,
    min: 1,
    doc: 'Time between commits under TIME and COUNT_TIME.',
    acts: 'runtime/listener',
  }),
  'listener.concurrency': integer({
    default: 1,
    min: 1,
    max: 1_000,
    doc: 'Consumers of a listener that does not say.',
    acts: 'runtime/listener',
  }),
  'listener.poll-timeout': duration({
    default: 5_000,
    min: 0,
    doc: 'How long one poll waits for records.',
    acts: 'runtime/listener',
  }),
  'listener.idle-event-interval': duration({
    default: undefined,
    min: 1,
    doc: 'After how long without a record a listener that does not say tells so by the event idle. Default: never.',
    acts: 'runtime/listener/idle-watch',
  }),
  'listener.idle-partition-event-interval': duration({
    default: undefined,
    min: 1,
    doc: 'The same for single partitions: the event partition-idle. Default: never.',
    acts: 'runtime/listener/idle-watch',
  }),
  'listener.auto-startup': boolean({
    default: true,
    doc: 'Whether listeners that do not say start with the application.',
    acts: 'runtime/nest/kafka-runtime',
  }),
  'listener.startup-timeout': duration({
    default: 10_000,
    min: 0,
    doc: 'How long the start of the application waits for its listeners to have partitions; 0 does not wait. Not a key of Spring.',
    acts: 'runtime/nest/kafka-runtime',
  }),
  'listener.shutdown-timeout': duration({
    default: 10_000,
    min: 0,
    doc: 'How long stopping waits for running handlers. In Spring a container property without a key.',
    acts: 'runtime/listener',
  }),
} as const;

export const TEMPLATE_KEYS = {
  'template.default-topic': string({
    default: undefined,
    doc: 'Topic of sendDefault.',
    acts: 'runtime/template',
  }),
} as const;

export const EMBEDDED_KEYS = {
  'embedded.enabled': boolean({
    default: true,
    doc: 'Whether a broker starts beside the application when bootstrap-servers is not set.',
    acts: 'runtime/nest/kafka-connection',
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
    doc: 'Port of the embedded broker; 0 takes any free one. Default: the one of its last start, else 9092, else a free one.',
    acts: 'embedded',
  }),
  'embedded.properties': map({
    doc: "The embedded broker's own keys, as in Kafka's server.properties: embedded.properties.num.partitions=6.",
    acts: 'broker/broker-config',
  }),
} as const;
