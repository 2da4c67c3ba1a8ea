import { type BrokerConfig } from '../broker-config.js';
import { type BrokerKey } from '../config/broker-keys.js';
import { OFFSETS_TOPIC, TRANSACTION_TOPIC } from './topic-name.js';
import { type NewTopic } from './topic-plans.js';

// The topics in which the coordinators keep their state, as they are created when one is first needed.

export type InternalTopic = typeof OFFSETS_TOPIC | typeof TRANSACTION_TOPIC;

interface Shape {
  readonly partitions: BrokerKey;
  readonly segmentBytes: BrokerKey;
  readonly configs: (config: BrokerConfig) => Readonly<Record<string, string>>;
}

const SHAPES: Readonly<Record<InternalTopic, Shape>> = {
  [OFFSETS_TOPIC]: {
    partitions: 'offsets.topic.num.partitions',
    segmentBytes: 'offsets.topic.segment.bytes',
    configs: () => ({ 'compression.type': 'producer', 'cleanup.policy': 'compact' }),
  },
  [TRANSACTION_TOPIC]: {
    partitions: 'transaction.state.log.num.partitions',
    segmentBytes: 'transaction.state.log.segment.bytes',
    configs: (config) => ({
      'compression.type': 'uncompressed',
      'cleanup.policy': 'compact',
      'min.insync.replicas': String(config.number('transaction.state.log.min.isr')),
      'unclean.leader.election.enable': 'false',
    }),
  },
};

/** Partitions that the topic gets when it is created. */
export function internalPartitions(topic: InternalTopic, config: BrokerConfig): number {
  return config.number(SHAPES[topic].partitions);
}

export function newInternalTopic(topic: InternalTopic, config: BrokerConfig): NewTopic {
  const shape = SHAPES[topic];
  const configs = { ...shape.configs(config), 'segment.bytes': String(config.number(shape.segmentBytes)) };
  return {
    name: topic,
    numPartitions: internalPartitions(topic, config),
    replicationFactor: 1,
    configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
  };
}
