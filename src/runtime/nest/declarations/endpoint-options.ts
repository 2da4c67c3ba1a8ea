import { availableParallelism } from 'node:os';
import { messageOf } from '../../../common/errors.js';
import { isTopicName, TOPIC_NAME_RULE } from '../../../common/topic-name.js';
import { type KafkaListenerOptions } from '../../../decorators/listener-options.js';
import { type Environment } from '../../config/environment.js';
import { parseBoolean, parseChoice, parseInteger, parseList } from '../../config/formats.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Mistake } from '../../config/mistakes.js';
import { type AckMode } from '../../dispatch/commit-policy.js';
import { type Order } from '../../dispatch/key-dispatcher.js';
import { type SteeringMeasure, type SteeringOptions } from '../../dispatch/worker-steering.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';
import { OptionReader } from '../option-reader.js';
import { partitionRequests } from './partition-options.js';

// What a listener's decorator says, with what the configuration says where it is silent.

const ACK_MODES = [
  'RECORD',
  'BATCH',
  'TIME',
  'COUNT',
  'COUNT_TIME',
  'MANUAL',
  'MANUAL_IMMEDIATE',
  'AT_MOST_ONCE',
] as const;
const MAX_THREADS = 256;
const POOLS = ['lanes', 'threads'] as const;
const MEASURES = ['latency', 'lag'] as const;
const ORDERS = ['partition', 'key', 'none', 'topic'] as const;

export type EndpointNumbers = Omit<ListenerEndpoint, 'id' | 'connection' | 'handler' | 'rebalanceListeners'> & {
  /** Undefined when the decorator names none. */
  readonly id: string | undefined;
  readonly batch: boolean;
  readonly idleEventMs: number | undefined;
};

export function endpointNumbers(
  where: string,
  options: KafkaListenerOptions,
  properties: KafkaProperties,
  environment: Environment,
  mistakes: Mistake[],
  notices: string[],
): EndpointNumbers {
  const read = new OptionReader(`@KafkaListener of ${where}`, environment, mistakes);
  const id = read.text('id', options.id);
  const named = read.parsed<(typeof ORDERS)[number]>(
    'order',
    options.order as (typeof ORDERS)[number] | undefined,
    (text) => parseChoice(text, ORDERS),
    ORDERS.join(', '),
  );
  const concurrency = read.whole('concurrency', options.concurrency, 1_000);
  const isTopicOrdered = named === 'topic';
  const order: Order | undefined = isTopicOrdered ? 'partition' : named;
  if (isTopicOrdered && concurrency !== undefined && concurrency > 1) {
    read.mistake('concurrency', String(concurrency), "with order 'topic' one consumer reads; leave concurrency out");
  }
  const consumers = isTopicOrdered ? 1 : (concurrency ?? properties.get('listener.concurrency'));
  const threads = threadsOf(read, options);
  const steering = steeringOf(read, options.workers);
  const ownWorkers = steering?.min ?? workersOf(read, options);
  const workers = ownWorkers ?? (typeof threads === 'number' ? Math.ceil(threads / consumers) : undefined);
  if (order !== undefined && order !== 'partition' && workers === undefined) {
    read.mistake('order', order, 'only a pool of workers has an order to choose; give workers, or leave order out');
  }
  const batch =
    typeof options.batch === 'object' || read.parsed<boolean>('batch', options.batch, parseBoolean, 'true or false');
  const flag = (option: 'autoStartup' | 'missingTopicsFatal') =>
    read.parsed<boolean>(option, options[option], parseBoolean, 'true or false');
  const source = sourceOf(read, options);
  const groupId = groupOf(read, options, id, properties, source.assignment);
  if (source.assignment !== undefined && source.assignment !== 'all' && groupId === '') {
    notices.push(`${read.where}: no group is known, so nothing is committed; each start begins as at the first time`);
  }
  return {
    id,
    ...source,
    groupId,
    concurrency: atMost(source.assignment, consumers, read, notices),
    workers,
    steering,
    phase: phaseOf(read, options.phase),
    order: order ?? 'partition',
    isTopicOrdered,
    threads,
    ...commitRules(read, options, properties, notices),
    gapMap: (order === 'key' || order === 'none') && groupId !== '',
    autoStartup: flag('autoStartup') ?? properties.get('listener.auto-startup'),
    missingTopicsFatal: flag('missingTopicsFatal') ?? properties.get('listener.missing-topics-fatal'),
    batch: batch ?? properties.get('listener.type') === 'batch',
    clientIdPrefix: read.text('clientIdPrefix', options.clientIdPrefix) || undefined,
    info: read.text('info', options.info),
    containerGroup: read.text('containerGroup', options.containerGroup) || undefined,
    idleEventMs: read.duration('idleEventInterval', options.idleEventInterval),
  };
}

/** Threads of the listener's pool, or whether its consumers are threads; undefined: it has none. */
function threadsOf(read: OptionReader, options: KafkaListenerOptions): ListenerEndpoint['threads'] {
  const pool = read.parsed<(typeof POOLS)[number]>(
    'pool',
    options.pool as (typeof POOLS)[number] | undefined,
    (text) => parseChoice(text, POOLS),
    POOLS.join(', '),
  );
  const threads = read.parsed<number | boolean>(
    'threads',
    options.threads,
    parseThreads,
    `true (a thread for each consumer), or a whole number from 1 to ${MAX_THREADS} (a pool)`,
  );
  if (threads === true || threads === false) {
    if (threads && pool !== undefined) {
      read.mistake('pool', pool, 'with threads: true each consumer is a thread of its own; leave pool out');
    }
    return threads ? 'consumers' : undefined;
  }
  if (pool === 'lanes' && threads !== undefined) {
    read.mistake('threads', String(threads), "goes not with pool: 'lanes'; leave one of them out");
    return undefined;
  }
  return threads ?? (pool === 'threads' ? Math.max(1, availableParallelism() - 1) : undefined);
}

function parseThreads(text: string): number | boolean | undefined {
  const count = parseInteger(text);
  if (count === undefined) return parseBoolean(text);
  return count >= 1 && count <= MAX_THREADS ? count : undefined;
}

export function workersOf(read: OptionReader, { workers }: Pick<KafkaListenerOptions, 'workers'>): number | undefined {
  return read.whole('workers', plainWorkers(workers), 10_000);
}

function plainWorkers(given: KafkaListenerOptions['workers']): number | string | undefined {
  return typeof given === 'object' ? undefined : given;
}

/** `workers: { min, max, by }`. */
function steeringOf(read: OptionReader, given: KafkaListenerOptions['workers']): SteeringOptions | undefined {
  if (typeof given !== 'object') return undefined;
  const min = read.whole('workers.min', given.min, 10_000);
  const max = read.whole('workers.max', given.max, 10_000);
  const by = read.parsed<SteeringMeasure>(
    'workers.by',
    given.by as SteeringMeasure | undefined,
    (text) => parseChoice(text, MEASURES),
    MEASURES.join(', '),
  );
  return { min: min ?? 1, max: max ?? 1, by: by ?? 'latency' };
}

function phaseOf(read: OptionReader, given: number | string | undefined): number {
  return read.parsed<number>('phase', given as number | undefined, parseInteger, 'a whole number') ?? 0;
}

type Source = Pick<ListenerEndpoint, 'topics' | 'topicPattern' | 'assignment'>;

/** What is read, and how: exactly one of the three ways to say so, and whether as a member of the group. */
function sourceOf(read: OptionReader, options: KafkaListenerOptions): Source {
  const broadcast = read.parsed<boolean>('broadcast', options.broadcast, parseBoolean, 'true or false') ?? false;
  const given = (['topics', 'topicPattern', 'topicPartitions'] as const).filter((name) => options[name] !== undefined);
  if (given.length > 1) {
    read.mistake(given[1]!, undefined, `goes not with ${given[0]}; give one of topics, topicPattern, topicPartitions`);
    return { topics: [] };
  }
  if (options.topicPartitions !== undefined) {
    if (broadcast) read.mistake('broadcast', 'true', 'reads all partitions of its topics; leave topicPartitions out');
    return { topics: [], assignment: partitionRequests(read, options.topicPartitions) };
  }
  const assignment = broadcast ? 'all' : undefined;
  if (options.topicPattern !== undefined) {
    return { topics: [], topicPattern: patternOf(read, options.topicPattern), assignment };
  }
  return { topics: topicsOf(read, options.topics ?? []), assignment };
}

function patternOf(read: OptionReader, given: RegExp | string): RegExp | undefined {
  if (typeof given !== 'string') return given;
  const text = read.text('topicPattern', given);
  if (text === undefined) return undefined;
  try {
    if (text !== '') return new RegExp(text);
    read.mistake('topicPattern', text, 'the pattern is empty; it would match no topic');
  } catch (error) {
    read.mistake('topicPattern', text, `no regular expression: ${messageOf(error)}`);
  }
  return undefined;
}

function topicsOf(read: OptionReader, topics: string | readonly string[]): string[] {
  const given = Array.isArray(topics) ? (topics as readonly string[]) : [topics as string];
  const before = read.mistakes.length;
  const names = given.flatMap((topic) => parseList(read.text('topics', topic) ?? '')).filter((name) => name !== '');
  if (names.length === 0 && read.mistakes.length === before) {
    read.mistake('topics', undefined, 'no topic is named; name at least one');
  }
  for (const name of names) {
    if (!isTopicName(name)) read.mistake('topics', name, `no topic name; allowed: ${TOPIC_NAME_RULE}`);
  }
  return [...new Set(names)];
}

/** Consumers beyond the number of listed partitions would have nothing to read, ever. */
function atMost(
  assignment: ListenerEndpoint['assignment'],
  concurrency: number,
  { where }: OptionReader,
  notices: string[],
): number {
  if (typeof assignment !== 'object' || assignment.some(({ partition }) => partition === undefined)) return concurrency;
  const most = Math.max(1, assignment.length);
  if (concurrency <= most) return concurrency;
  notices.push(`${where}: concurrency is ${most} instead of ${concurrency}: there are not more partitions to read`);
  return most;
}

function groupOf(
  read: OptionReader,
  options: KafkaListenerOptions,
  id: string | undefined,
  properties: KafkaProperties,
  assignment: ListenerEndpoint['assignment'],
): string {
  const given = read.text('groupId', options.groupId);
  if (assignment === 'all') {
    if (given)
      read.mistake('groupId', given, 'a broadcast listener has no group, it commits nothing; leave groupId out');
    return '';
  }
  const idIsGroup = read.parsed<boolean>('idIsGroup', options.idIsGroup, parseBoolean, 'true or false') ?? true;
  const group = (given ?? (idIsGroup ? id : undefined)) || properties.get('consumer.group-id');
  if (!group && assignment === undefined && (options.groupId === undefined || given !== undefined)) {
    read.mistake('groupId', undefined, 'no consumer group; give groupId or id, or set kafka.consumer.group-id');
  }
  return group ?? '';
}

export function ackModeOf(read: OptionReader, { ackMode }: Pick<KafkaListenerOptions, 'ackMode'>): AckMode | undefined {
  const parse = (text: string) => parseChoice(text, ACK_MODES);
  return read.parsed<AckMode>('ackMode', ackMode as AckMode | undefined, parse, ACK_MODES.join(', '));
}

function commitRules(
  read: OptionReader,
  options: KafkaListenerOptions,
  properties: KafkaProperties,
  notices: string[],
): Pick<ListenerEndpoint, 'ackMode' | 'ackCount' | 'ackTimeMs'> {
  const ackMode = ackModeOf(read, options) ?? properties.get('listener.ack-mode');
  const rules = { ackCount: properties.get('listener.ack-count'), ackTimeMs: properties.get('listener.ack-time') };
  if (!properties.get('consumer.enable-auto-commit')) return { ...rules, ackMode: ackMode ?? 'BATCH' };
  const origin = properties.originOf('consumer.enable-auto-commit') ?? 'configuration';
  if (ackMode !== undefined) {
    notices.push(`${origin}: enable-auto-commit=true has no effect on ${read.where}: its ack mode ${ackMode} counts`);
    return { ...rules, ackMode };
  }
  const ackTimeMs = properties.get('consumer.auto-commit-interval');
  notices.push(
    `${origin}: enable-auto-commit=true means for ${read.where}: finished records are committed every ${ackTimeMs} ms`,
  );
  return { ...rules, ackMode: 'TIME', ackTimeMs };
}
