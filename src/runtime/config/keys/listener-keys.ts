import { boolean, choice, dataSize, decimal, duration, integer, string } from '../config-key.js';
import { NO_OBSERVATIONS } from './reasons.js';

// Keys of listener containers. Part of the table in config-keys.ts.

const WATCHED = 'polling never waits for a handler here; a handler that runs too long is found by max.poll.interval.ms';

export const LISTENER_KEYS = {
  'listener.type': choice(['single', 'batch'], {
    default: 'single',
    doc: 'Whether listeners receive records or all records of a poll, where they do not say.',
    acts: 'runtime/nest/listeners/listener-explorer',
  }),
  'listener.ack-mode': choice(
    ['RECORD', 'BATCH', 'TIME', 'COUNT', 'COUNT_TIME', 'MANUAL', 'MANUAL_IMMEDIATE', 'AT_MOST_ONCE'],
    {
      default: undefined,
      doc: 'When finished work is committed, where listeners do not say. Default BATCH.',
      acts: 'runtime/listener',
    },
  ),
  'listener.async-acks': boolean({
    default: false,
    doc: 'Whether records may be acknowledged out of order.',
    inert: 'acknowledgments may always come in any order, and a commit never passes one that is missing',
    holds: 'true',
  }),
  'listener.client-id': string({
    default: undefined,
    doc: "Client id of listeners' consumers, before consumer.client-id; each listener's name and number is appended.",
    acts: 'runtime/client/cluster',
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
  'listener.no-poll-threshold': decimal({
    default: undefined,
    min: 0,
    doc: 'Multiple of poll-timeout after which a consumer counts as stuck.',
    inert: WATCHED,
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
  'listener.idle-between-polls': duration({
    default: 0,
    min: 0,
    doc: 'Pause between polls.',
    inert: 'polling and handling are apart here; bound the work with max-poll-records, workers or pause()',
    holds: '0',
  }),
  'listener.idle-event-interval': duration({
    default: undefined,
    min: 1,
    doc: 'After how long without a record a listener that does not say tells so by the event idle. Default: never.',
    acts: 'runtime/listener/watches/idle-watch',
  }),
  'listener.idle-partition-event-interval': duration({
    default: undefined,
    min: 1,
    doc: 'The same for single partitions: the event partition-idle. Default: never.',
    acts: 'runtime/listener/watches/idle-watch',
  }),
  'listener.monitor-interval': duration({
    default: undefined,
    min: 1,
    bare: 's',
    doc: 'Time between looks for consumers that are stuck. A bare number counts seconds.',
    inert: WATCHED,
  }),
  'listener.log-container-config': boolean({
    default: false,
    doc: "Whether a listener's settings are logged when the application starts.",
    acts: 'runtime/nest/kafka-runtime',
  }),
  'listener.missing-topics-fatal': boolean({
    default: false,
    doc: 'Whether a topic that does not exist keeps the application from starting, and a listener that starts later from doing so. False: it is read once it exists.',
    acts: 'runtime/nest/connection/missing-topics',
  }),
  'listener.immediate-stop': boolean({
    default: false,
    doc: 'Whether stopping ends after the running record instead of after all that was polled.',
    inert: 'a stop never starts another record here; what was polled and not begun is read again after the next start',
    holds: 'true',
  }),
  'listener.auto-startup': boolean({
    default: true,
    doc: 'Whether listeners that do not say start with the application.',
    acts: 'runtime/nest/kafka-runtime',
  }),
  'listener.change-consumer-thread-name': boolean({
    default: false,
    doc: "Whether a consumer's thread bears the listener's name.",
    inert: 'consumers have no threads to rename; logs carry the name of the listener',
    holds: 'false',
  }),
  'listener.observation-enabled': boolean({
    default: false,
    doc: 'Whether each record has a span and timings.',
    inert: NO_OBSERVATIONS,
    holds: 'false',
  }),
  'listener.auth-exception-retry-interval': duration({
    default: undefined,
    min: 1,
    doc: 'Time until a listener starts again whose login or rights were refused. Default: it fails.',
    acts: 'runtime/listener/failures/restart-rule',
  }),
  'listener.slow-handler': choice(['abort', 'leave', 'warn'], {
    default: 'abort',
    doc: 'What happens to a handler that runs longer than max-poll-interval: its signal fires, its consumer leaves the group, or it is logged. Not a key of Spring.',
    acts: 'runtime/listener/watches/watchdog',
  }),
  'listener.overflow': choice(['pause', 'block', 'caller-runs', 'reject'], {
    default: 'pause',
    doc: "What happens when the budget of a pool's partition is used up. Not a key of Spring.",
    acts: 'runtime/listener/delivery/overflow',
  }),
  'listener.memory-budget': dataSize({
    default: undefined,
    min: 1,
    doc: 'Bytes of records that wait and run at once in all partitions of a listener, in this process; partitions are paused so that it is kept. Default 256MB, and at most a quarter of the memory that the process may use. Not a key of Spring.',
    acts: 'runtime/dispatch/memory-budget',
  }),
  'listener.start-failure': choice(['continue', 'retry', 'stop'], {
    default: 'continue',
    doc: 'What follows a listener that cannot start: the application goes on without it, it is tried again every 10 s, or the application does not start (after startup-timeout: it ends). Not a key of Spring.',
    acts: 'runtime/nest/kafka-runtime',
  }),
  'listener.startup-timeout': duration({
    default: 10_000,
    min: 0,
    doc: 'How long the start of the application waits for its listeners to have partitions; 0 does not wait. Not a key of Spring.',
    acts: 'runtime/nest/kafka-runtime',
  }),
  'listener.threads-enabled': boolean({
    default: true,
    doc: "Whether listeners with threads have them. False: their handlers run in the application's own thread, in the same order; for tests that run from TypeScript source, and for debuggers. Not a key of Spring.",
    acts: 'runtime/nest/threads',
  }),
  'listener.shutdown-timeout': duration({
    default: 10_000,
    min: 0,
    doc: 'How long stopping waits for running handlers. In Spring a container property without a key.',
    acts: 'runtime/listener',
  }),
} as const;
