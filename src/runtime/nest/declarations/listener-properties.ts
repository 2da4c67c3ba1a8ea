import { nearestName } from '../../../common/nearest-name.js';
import { type KafkaListenerOptions } from '../../../decorators/listener-options.js';
import { bindValue } from '../../config/binding.js';
import { CONFIG_NAMES, type ConfigName, keyOf, PROPERTIES_WITHOUT_EFFECT } from '../../config/config-keys.js';
import { type Environment } from '../../config/environment.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Findings } from '../../config/rules.js';

// `properties` of a listener: Kafka's own consumer keys, over those of its connection.

/** What all consumers of a connection share, and the group, which has an option of its own. */
const NOT_ALONE = /^(group\.id|bootstrap\.servers|client\.id|security\.protocol|socket\..*|ssl\..*|sasl\..*)$/;

/** Consumer keys by Kafka's own names. */
const CONSUMER_PROPERTIES = new Map(
  CONFIG_NAMES.filter((name) => name.startsWith('consumer.')).flatMap((name) => {
    const { property } = keyOf(name);
    return property === undefined || NOT_ALONE.test(property) ? [] : [[property, name] as const];
  }),
);

/** The connection's properties with `properties:` of the decorator over them; `origin` names that one. */
export function listenerProperties(
  origin: string,
  options: Pick<KafkaListenerOptions, 'properties'>,
  common: KafkaProperties,
  environment: Environment,
  findings: Findings,
): KafkaProperties {
  const values = new Map<ConfigName, unknown>();
  for (const [property, given] of Object.entries(options.properties ?? {})) {
    const name = CONSUMER_PROPERTIES.get(property);
    if (name === undefined) {
      judgeProperty(origin, property, String(given), common, findings);
      continue;
    }
    const entry = { origin, key: `properties ${property}`, value: String(given) };
    const value = bindValue(keyOf(name), entry, environment, findings.mistakes);
    if (value !== undefined) values.set(name, value);
  }
  return common.with(values, origin);
}

function judgeProperty(
  origin: string,
  property: string,
  value: string,
  { prefix }: KafkaProperties,
  { mistakes, notices }: Findings,
): void {
  const inert = PROPERTIES_WITHOUT_EFFECT[property];
  if (inert?.clients.includes('consumer')) {
    notices.push(`${origin}: ${property} has no effect: ${inert.inert}`);
    return;
  }
  const near = nearestName(property, CONSUMER_PROPERTIES.keys());
  const shared = NOT_ALONE.test(property) && property !== 'group.id';
  const problem = shared
    ? `cannot be set for one listener; use ${prefix}.consumer.properties.${property}`
    : `unknown consumer property${near ? `; did you mean ${near}?` : ''}`;
  mistakes.push({ origin, key: `properties ${property}`, value, problem, isUnknown: true });
}
