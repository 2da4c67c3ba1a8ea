import { type KafkaListenerOptions } from '../../decorators/kafka-listener.js';
import { type ConfigKey } from '../config/config-key.js';
import { CONFIG_KEYS, type ConfigName } from '../config/config-keys.js';
import { type Environment, PlaceholderError } from '../config/environment.js';
import { nearestName, parseBoolean, parseChoice, parseInteger, parseList } from '../config/formats.js';
import { bindValue, type KafkaProperties } from '../config/kafka-properties.js';
import { type Mistake } from '../config/mistakes.js';
import { type AckMode, type ListenerEndpoint, type Order } from '../listener/listener-endpoint.js';

// What a listener's decorator says, with what the configuration says where it is silent.

const ACK_MODES = ['RECORD', 'BATCH', 'TIME', 'COUNT', 'COUNT_TIME', 'MANUAL', 'MANUAL_IMMEDIATE'] as const;
const ORDERS = ['partition', 'key', 'none'] as const;

export type EndpointNumbers = Omit<ListenerEndpoint, 'id' | 'connection' | 'handler'> & {
  /** Undefined when the decorator names none. */
  readonly id: string | undefined;
  readonly batch: boolean;
};

/** Reads one option after the other; each mistake is reported with the option's name and value. */
class OptionReader {
  constructor(
    readonly where: string,
    readonly environment: Environment,
    readonly mistakes: Mistake[],
  ) {}

  text(option: string, value: string | undefined): string | undefined {
    if (value === undefined) return undefined;
    try {
      return this.environment.resolvePlaceholders(value);
    } catch (error) {
      if (!(error instanceof PlaceholderError)) throw error;
      this.mistake(option, value, error.message);
      return undefined;
    }
  }

  parsed<T>(
    option: string,
    value: T | string | undefined,
    parse: (text: string) => T | undefined,
    allowed: string,
  ): T | undefined {
    if (value === undefined) return undefined;
    const text = this.text(option, String(value));
    if (text === undefined) return undefined;
    const result = parse(text.trim());
    if (result === undefined) this.mistake(option, text, `not allowed; allowed: ${allowed}`);
    return result;
  }

  whole(option: string, value: number | string | undefined, max: number): number | undefined {
    const inRange = (text: string) => {
      const number = parseInteger(text);
      return number !== undefined && number >= 1 && number <= max ? number : undefined;
    };
    return this.parsed(option, value, inRange, `a whole number from 1 to ${max}`);
  }

  mistake(option: string, value: string | undefined, problem: string): void {
    this.mistakes.push({ origin: this.where, key: option, ...(value === undefined ? {} : { value }), problem });
  }
}

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
  const order = read.parsed<Order>('order', options.order, (text) => parseChoice(text, ORDERS), ORDERS.join(', '));
  const workers = read.whole('workers', options.workers, 10_000);
  if (order !== undefined && order !== 'partition' && workers === undefined) {
    read.mistake('order', order, 'only a pool of workers has an order to choose; give workers, or leave order out');
  }
  const concurrency = read.whole('concurrency', options.concurrency, 1_000);
  const batch = read.parsed<boolean>('batch', options.batch, parseBoolean, 'true or false');
  const autoStartup = read.parsed<boolean>('autoStartup', options.autoStartup, parseBoolean, 'true or false');
  return {
    id,
    topics: topicsOf(read, options),
    groupId: groupOf(read, options, id, properties),
    concurrency: concurrency ?? properties.get('listener.concurrency'),
    workers,
    order: order ?? 'partition',
    ...commitRules(read, options, properties, notices),
    gapMap: order === 'key' || order === 'none',
    autoStartup: autoStartup ?? properties.get('listener.auto-startup'),
    batch: batch ?? properties.get('listener.type') === 'batch',
  };
}

function topicsOf(read: OptionReader, { topics }: KafkaListenerOptions): string[] {
  const given = typeof topics === 'string' ? [topics] : topics;
  const before = read.mistakes.length;
  const names = given.flatMap((topic) => parseList(read.text('topics', topic) ?? '')).filter((name) => name !== '');
  if (names.length === 0 && read.mistakes.length === before) {
    read.mistake('topics', undefined, 'no topic is named; name at least one');
  }
  for (const name of names) {
    if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name)) {
      read.mistake('topics', name, 'no topic name; allowed: letters, digits, dot, dash, underscore, up to 249');
    }
  }
  return [...new Set(names)];
}

function groupOf(
  read: OptionReader,
  options: KafkaListenerOptions,
  id: string | undefined,
  properties: KafkaProperties,
): string {
  const named = read.text('groupId', options.groupId) ?? id;
  const group = named || properties.get('consumer.group-id');
  if (!group && options.groupId === undefined) {
    read.mistake('groupId', undefined, 'no consumer group; give groupId or id, or set kafka.consumer.group-id');
  }
  return group ?? '';
}

function commitRules(
  read: OptionReader,
  options: KafkaListenerOptions,
  properties: KafkaProperties,
  notices: string[],
): Pick<ListenerEndpoint, 'ackMode' | 'ackCount' | 'ackTimeMs'> {
  const own = read.parsed<AckMode>(
    'ackMode',
    options.ackMode as AckMode | undefined,
    (text) => parseChoice(text, ACK_MODES),
    ACK_MODES.join(', '),
  );
  const ackMode = own ?? properties.get('listener.ack-mode');
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

/** Consumer keys by Kafka's own names. */
const CONSUMER_PROPERTIES = new Map(
  (Object.keys(CONFIG_KEYS) as ConfigName[])
    .filter((name) => name.startsWith('consumer.'))
    .flatMap((name) => {
      const { property } = CONFIG_KEYS[name] as ConfigKey<unknown>;
      return property === undefined || property === 'group.id' ? [] : [[property, name] as const];
    }),
);

/** The connection's properties with `properties:` of the decorator over them. */
export function listenerProperties(
  where: string,
  options: KafkaListenerOptions,
  common: KafkaProperties,
  environment: Environment,
  mistakes: Mistake[],
): KafkaProperties {
  const origin = `@KafkaListener of ${where}`;
  const values = new Map<ConfigName, unknown>();
  for (const [property, given] of Object.entries(options.properties ?? {})) {
    const name = CONSUMER_PROPERTIES.get(property);
    const entry = { origin, key: `properties ${property}`, value: String(given) };
    if (name === undefined) {
      const near = nearestName(property, CONSUMER_PROPERTIES.keys());
      mistakes.push({ ...entry, problem: `unknown consumer property${near ? `; did you mean ${near}?` : ''}` });
      continue;
    }
    const value = bindValue(CONFIG_KEYS[name] as ConfigKey<unknown>, entry, environment, mistakes);
    if (value !== undefined) values.set(name, value);
  }
  return common.with(values, origin);
}
