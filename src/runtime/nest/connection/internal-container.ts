import { type Clock } from '../../../common/clock.js';
import { type Logger } from '../../../common/logger.js';
import { type ConsumerClient } from '../../client/consumer-client.js';
import { type ConfigName } from '../../config/config-keys.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type ContainerSettings } from '../../listener/container-settings.js';
import { ListenerContainer } from '../../listener/listener-container.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';
import { type DiscoveredListener } from '../declarations/listener-declaration.js';
import { containerNumbers } from './client-options.js';

// Listener containers that no user has declared: a connection reads topics of its own with them.

/** The connection, as far as such a container needs it. */
export interface ContainerConnection {
  readonly name: string;
  readonly properties: KafkaProperties;
  readonly clock: Clock;
  readonly logger: Logger;
  createConsumer(listener: DiscoveredListener, index: number): ConsumerClient;
}

export interface InternalListener {
  readonly endpoint: Partial<ListenerEndpoint> & Pick<ListenerEndpoint, 'id' | 'topics' | 'groupId' | 'handler'>;
  /** What it reads, for messages about its configuration. */
  readonly subject: string;
  /** Where it begins in a partition of which nothing is committed. */
  readonly start: 'earliest' | 'latest';
  readonly settings?: Partial<ContainerSettings>;
}

/** One consumer that hands over record by record, or batch by batch, and commits what is finished after each poll. */
export function internalContainer(connection: ContainerConnection, given: InternalListener): ListenerContainer {
  const values = new Map<ConfigName, unknown>([['consumer.auto-offset-reset', given.start]]);
  const properties = connection.properties.with(values, given.subject);
  const endpoint: ListenerEndpoint = {
    connection: connection.name,
    concurrency: 1,
    workers: undefined,
    order: 'partition',
    ackMode: 'BATCH',
    ackCount: 1,
    ackTimeMs: 1,
    gapMap: false,
    autoStartup: true,
    ...given.endpoint,
  };
  const listener = { endpoint, properties, settings: {}, neededTopics: [] };
  return new ListenerContainer({
    endpoint,
    createConsumer: (index) => connection.createConsumer(listener, index),
    clock: connection.clock,
    logger: connection.logger,
    settings: { ...containerNumbers(properties), ...given.settings },
  });
}
