import { hasCode, messageOf } from '../../../common/errors.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { mistakeAt } from '../../config/mistake-at.js';
import { type Mistake } from '../../config/mistakes.js';
import { configuredServers } from './cluster-request.js';

// Checks that clients make themselves, beside the rules of the configuration.

/** Runs a check of a client's settings and takes what it throws as a mistake. */
export function collect(mistakes: Mistake[], origin: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!hasCode(error, 'KAFKA_CONFIG_INVALID')) throw error;
    mistakes.push({ origin, problem: messageOf(error) });
  }
}

/** Adds a mistake where neither servers are named nor a broker may stand beside the application. */
export function checkServers(properties: KafkaProperties, mistakes: Mistake[]): void {
  const isNamed = (['consumer', 'producer'] as const).every((one) => configuredServers(properties, one).length > 0);
  if (isNamed || properties.get('embedded.enabled')) return;
  const { prefix } = properties;
  const problem =
    `there is no broker to talk to, since ${prefix}.bootstrap-servers is not set either; set ` +
    `${prefix}.bootstrap-servers=host:port, or remove ${prefix}.embedded.enabled`;
  mistakes.push(mistakeAt(properties, 'embedded.enabled', problem));
}
