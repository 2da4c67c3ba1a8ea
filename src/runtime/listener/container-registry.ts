import { NestdawError } from '../../common/errors.js';
import { type ContainerDescription } from './container-description.js';
import { type ListenerContainer } from './listener-container.js';

// The listener containers of an application, by connection and id.

const DEFAULT_CONNECTION = 'default';

export class ContainerRegistry {
  readonly #connections = new Map<string, Map<string, ListenerContainer>>();

  /** Adds a container; two listeners of one connection never share an id. */
  register(container: ListenerContainer): void {
    const { connection, id } = container.endpoint;
    let containers = this.#connections.get(connection);
    if (!containers) {
      containers = new Map();
      this.#connections.set(connection, containers);
    }
    if (containers.has(id)) {
      throw new NestdawError(
        'KAFKA_CONFIG_INVALID',
        `two listeners have the id '${id}' on connection '${connection}': give one of them another id`,
      );
    }
    containers.set(id, container);
  }

  /** Takes a container out, without stopping it. */
  unregister(id: string, connection: string = DEFAULT_CONNECTION): ListenerContainer | undefined {
    const container = this.find(id, connection);
    this.#connections.get(connection)?.delete(id);
    return container;
  }

  find(id: string, connection: string = DEFAULT_CONNECTION): ListenerContainer | undefined {
    return this.#connections.get(connection)?.get(id);
  }

  /** The container, or an error that lists the ids there are. */
  get(id: string, connection: string = DEFAULT_CONNECTION): ListenerContainer {
    const container = this.find(id, connection);
    if (container) return container;
    const known = [...(this.#connections.get(connection)?.keys() ?? [])].map((name) => `'${name}'`).join(', ');
    throw new NestdawError(
      'KAFKA_CONFIG_INVALID',
      `there is no listener '${id}' on connection '${connection}'; known are: ${known || 'none'}`,
    );
  }

  /** In the order of registration; of one connection when it is named. */
  list(connection?: string): ListenerContainer[] {
    const maps = connection === undefined ? [...this.#connections.values()] : [this.#connections.get(connection)];
    return maps.flatMap((containers) => [...(containers?.values() ?? [])]);
  }

  describe(): ContainerDescription[] {
    return this.list().map((container) => container.describe());
  }

  /** Starts all that say `autoStartup`; rejects with the first failure after every one was tried. */
  async startAll(): Promise<void> {
    await settleAll(
      this.list().filter(({ endpoint }) => endpoint.autoStartup),
      (container) => container.start(),
    );
  }

  /** Stops all, each within its own deadline. */
  async stopAll(): Promise<void> {
    await settleAll(this.list(), (container) => container.stop());
  }

  start(id: string, connection?: string): Promise<void> {
    return this.get(id, connection).start();
  }

  stop(id: string, connection?: string): Promise<void> {
    return this.get(id, connection).stop();
  }

  pause(id: string, connection?: string): void {
    this.get(id, connection).pause();
  }

  resume(id: string, connection?: string): void {
    this.get(id, connection).resume();
  }
}

async function settleAll<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(items.map(action));
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} listener containers failed`);
}
