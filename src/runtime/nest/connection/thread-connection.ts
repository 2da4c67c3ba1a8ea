import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type ThreadConnection } from '../../threads/thread-messages.js';
import { type KafkaConnectionOptions, type RunningBroker } from './connection-options.js';

// The connection as a worker thread shall have it: the same configuration, and the broker that is in use.

export function threadConnection(
  options: KafkaConnectionOptions,
  broker: RunningBroker | undefined,
  thread: string,
): ThreadConnection {
  const { properties } = options.configuration;
  const servers = broker === undefined ? {} : { [`${properties.prefix}.bootstrap-servers`]: broker.bootstrapServers };
  const { overrides = {}, ...sources } = options.sources ?? {};
  return {
    name: options.name,
    sources,
    overrides: { ...(overrides as Record<string, unknown>), ...servers, ...idsOf(properties, thread) },
    isBrokerHere: broker?.isHost ?? false,
    codeOptions: options.codeOptions ?? [],
  };
}

/** Two producers with one transactional id fence each other. */
function idsOf(properties: KafkaProperties, thread: string): Record<string, string> {
  const ids = Object.entries({
    'producer.transaction-id-prefix': properties.get('producer.transaction-id-prefix'),
    'producer.properties.transactional.id': properties.get('producer.properties.transactional.id'),
    'template.transaction-id-prefix': properties.get('template.transaction-id-prefix'),
  });
  return Object.fromEntries(
    ids.flatMap(([key, id]) => (id ? [[`${properties.prefix}.${key}`, `${id}${thread}-`]] : [])),
  );
}
