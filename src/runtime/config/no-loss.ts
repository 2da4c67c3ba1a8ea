import { type ConfigName, type ConfigValue } from './config-keys.js';

// What `producer.profile=no-loss` stands for.

/** Keys that the profile sets, whatever else is written: nothing is given up, stored twice, or overtaken. */
export const NO_LOSS = {
  'producer.acks': 'all',
  'producer.retries': 0x7fff_ffff,
  'producer.properties.max.in.flight.requests.per.connection': 1,
  'producer.properties.enable.idempotence': true,
  'producer.on-delivery-failure': 'stop',
} as const satisfies { readonly [N in ConfigName]?: ConfigValue<N> };

export type NoLossName = keyof typeof NO_LOSS;

export const NO_LOSS_NAMES = Object.keys(NO_LOSS) as readonly NoLossName[];
