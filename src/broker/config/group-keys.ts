import { type BrokerConfig, isBrokerKey } from '../broker-config.js';
import { BROKER_KEYS, type BrokerKey } from './broker-keys.js';
import { bool, type ConfigKey, type ConfigTable, checked, dynamic, numberOf, str } from './config-key.js';

// The keys of single groups. They belong to the protocols after the classic one: what is set is kept and told, and
// acts where a Kafka that serves those protocols takes the directory over.

const NO_SHARE_GROUPS = 'Accepted for compatibility; there are no share groups.';

/** Keys whose default is the broker's key of the same name, with `group.` in front of it. */
const FROM_BROKER = [
  'consumer.assignment.interval.ms',
  'consumer.heartbeat.interval.ms',
  'consumer.session.timeout.ms',
  'share.assignment.interval.ms',
  'share.delivery.count.limit',
  'share.heartbeat.interval.ms',
  'share.partition.max.record.locks',
  'share.record.lock.duration.ms',
  'share.session.timeout.ms',
  'streams.assignment.interval.ms',
  'streams.heartbeat.interval.ms',
  'streams.initial.rebalance.delay.ms',
  'streams.num.standby.replicas',
  'streams.session.timeout.ms',
];

const fromBroker = (name: string): ConfigKey => dynamic(BROKER_KEYS[brokerKeyOf(name)!] as ConfigKey);

/** Every key of a group, sorted by name. */
export const GROUP_KEYS: ConfigTable = Object.fromEntries(
  [
    ...FROM_BROKER.map((name) => [name, fromBroker(name)] as const),
    ['share.auto.offset.reset', dynamic(checked(str('latest', NO_SHARE_GROUPS), offsetReset))] as const,
    [
      'share.isolation.level',
      dynamic(str('read_uncommitted', NO_SHARE_GROUPS, ['read_committed', 'read_uncommitted'])),
    ] as const,
    ['share.renew.acknowledge.enable', dynamic(bool(true, NO_SHARE_GROUPS))] as const,
  ].sort(([a], [b]) => (a < b ? -1 : 1)),
);

function offsetReset(value: string): string | undefined {
  const isFine = /^(earliest|latest|by_duration:P\S+)$/.test(value);
  return isFine ? undefined : 'must be earliest, latest or by_duration:PnDTnHnMn.nS';
}

/** The broker's key behind a group's. */
export function brokerKeyOf(name: string): BrokerKey | undefined {
  const key = `group.${name}`;
  return isBrokerKey(key) ? key : undefined;
}

/** How far the broker lets a group go: its own keys with `min.` or `max.` in them. */
export function limitMistake(name: string, value: string, config: BrokerConfig): string | undefined {
  for (const [limit, isBroken] of [
    ['min', (own: number, bound: number) => own < bound],
    ['max', (own: number, bound: number) => own > bound],
  ] as const) {
    const key = limitKey(name, limit);
    if (key && isBroken(numberOf(value), config.number(key))) {
      return `${name} must be ${limit === 'min' ? 'greater' : 'less'} than or equal to ${key}`;
    }
  }
  return undefined;
}

function limitKey(name: string, limit: 'min' | 'max'): BrokerKey | undefined {
  const [protocol = '', ...rest] = name.split('.');
  // `streams.num.standby.replicas` is limited by `group.streams.max.standby.replicas`.
  const key = `group.${protocol}.${limit}.${rest.filter((part) => part !== 'num').join('.')}`;
  return isBrokerKey(key) ? key : undefined;
}
