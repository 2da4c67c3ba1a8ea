import { systemClock } from '../../../common/clock.js';
import { type Mistake } from '../../config/mistakes.js';
import { type ThreadState } from '../../threads/thread-state.js';
import { containerNumbers } from '../connection/client-options.js';
import { type KafkaConnection } from '../connection/kafka-connection.js';
import { StoreShelf } from '../guards/store-shelf.js';
import { ListenerExplorer } from '../listeners/listener-explorer.js';
import { ListenerFactory } from '../listeners/listener-factory.js';
import { type NestServices } from '../nest-services.js';
import { ProviderLookup } from '../provider-lookup.js';
import { retryConfigurations } from '../retries/retry-configurations.js';

// Inside a thread: looks through its classes for the one listener that it is for, and ready to run.

export function findThreadListener(
  { discovery, scanner, creator, config, moduleRef }: NestServices,
  connectionOf: (name: string) => KafkaConnection,
  thread: ThreadState,
): void {
  const lookup = new ProviderLookup(moduleRef, discovery);
  // Ids are claimed in the main thread; what is made here serves transactions of the handler alone.
  const shelf = new StoreShelf({ clock: systemClock, logger: thread.logger });
  const configurations = retryConfigurations(discovery);
  const factory = new ListenerFactory({ creator, config }, lookup, shelf, connectionOf, undefined, configurations);
  const explorer = new ListenerExplorer(discovery, scanner, factory);
  const mistakes: Mistake[] = [];
  const ids = new Map<string, string>();
  for (const declaration of explorer.declarations(mistakes)) {
    // What the main thread said about declarations is not said again.
    const [listener] = factory.create(declaration, { mistakes, notices: [], ids });
    const { id, connection } = thread.listener;
    if (listener?.endpoint.id !== id || listener.endpoint.connection !== connection) continue;
    const owner = connectionOf(connection);
    thread.found = {
      endpoint: listener.endpoint,
      settings: { ...containerNumbers(listener.properties), ...listener.settings },
      createConsumer: (index) => owner.createConsumer(listener, index),
    };
    return;
  }
  thread.problems.push(
    ...mistakes.map(({ origin, key, problem }) => [origin, key, problem].filter(Boolean).join(': ')),
  );
}
