import { isDeepStrictEqual } from 'node:util';
import { type ConfigName, keyOf } from '../../runtime/config/config-keys.js';
import { type KafkaProperties } from '../../runtime/config/kafka-properties.js';
import { NO_LOSS } from '../../runtime/config/no-loss.js';
import { shownText, valueText } from '../../runtime/config/reference/value-text.js';
import { type Configs, type Facts, type NodeFacts, type ProducerFacts, type Told } from './facts.js';
import { type Finding } from './finding.js';

// Settings as findings show them: key, value, and where the value comes from.

export type ToldSetting = Required<Pick<Finding, 'key' | 'value' | 'origin'>>;

/** A key of the connection. */
export function toldSetting(properties: KafkaProperties, name: ConfigName): ToldSetting {
  return told(properties, name, `${properties.prefix}.${name}`);
}

/** A key of a producer: its own, that of the connection, or the profile that decides it. */
export function toldOfProducer(facts: Facts, { name, properties }: ProducerFacts, key: ConfigName): ToldSetting {
  const decides = properties.get('producer.profile') === 'no-loss' && key in NO_LOSS;
  const asked = decides ? 'producer.profile' : key;
  const isOwn = name !== undefined && properties.originOf(asked) !== facts.properties.originOf(asked);
  const below = isOwn ? asked.replace(/^producer\./, `producers.${name}.`) : asked;
  return told(properties, asked, `${properties.prefix}.${below}`);
}

/** One finding for each producer; those with names are left out where the same is the case for the plain one. */
export function ofProducers(facts: Facts, judge: (producer: ProducerFacts) => Finding): Finding[] {
  const [plain, ...named] = facts.producers.map((producer) => [producer.name, judge(producer)] as const);
  if (plain === undefined) return [];
  const others = named.filter(([, finding]) => !isDeepStrictEqual(finding, plain[1]));
  return [
    plain[1],
    ...others.map(([name, finding]): Finding => ({ subject: { kind: 'producer', name: name! }, ...finding })),
  ];
}

const ORIGINS = {
  topic: 'set for the topic',
  broker: 'set for the broker',
  'all brokers': 'set for all brokers',
  file: "the broker's file",
  default: "Kafka's default",
  other: 'told by the broker',
} as const;

/** A config of a topic or a node; undefined where it has none. */
export function toldConfig(configs: Told<Configs>, key: string): ToldSetting | undefined {
  const entry = 'value' in configs ? configs.value.get(key) : undefined;
  if (entry?.value === undefined || entry.value === null) return undefined;
  return { key, value: entry.value, origin: ORIGINS[entry.origin] };
}

/** A config that is a number; undefined where there is none. */
export function numberIn(configs: Told<Configs>, key: string): number | undefined {
  const value = toldConfig(configs, key)?.value;
  return value === undefined ? undefined : Number(value);
}

export function time(ms: number): string {
  return valueText({ unit: 'ms' }, ms);
}

/** The lowest of a number that every node has of its own; undefined where none tells it. */
export function leastConfig(nodes: readonly NodeFacts[], key: string): ToldSetting | undefined {
  const told = nodes.flatMap(({ configs }) => toldConfig(configs, key) ?? []);
  return told.sort((a, b) => Number(a.value) - Number(b.value))[0];
}

/** `kafka.producer.acks=1 (application.properties:3:21)`. */
export function settingText({ key, value, origin }: ToldSetting): string {
  return `${key}=${value} (${origin})`;
}

function told(properties: KafkaProperties, name: ConfigName, key: string): ToldSetting {
  const value = shownText(name, keyOf(name), properties.get(name));
  return { key, value, origin: properties.originOf(name) ?? 'default' };
}
