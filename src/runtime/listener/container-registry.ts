import { DEFAULT_CONNECTION } from '../../common/connection-name.js';
import { NestdawError } from '../../common/errors.js';
import { settleAll, throwAny } from '../../common/lifecycle.js';
import { type SeekTarget } from '../../common/seek-target.js';
import { type TopicPartition } from '../../common/topic-partition.js';
import { type ContainerDescription } from './container-description.js';
import { type ContainerEvent } from './container-events.js';
import { ContainerGroup } from './container-group.js';
import { type ListenerContainer } from './listener-container.js';

// The listener containers of an application, by connection and id.

/** An event of one of an application's containers. */
export type ListenerEvent = ContainerEvent & {
  /** Id of the listener. */
  readonly listener: string;
  readonly container: ListenerContainer;
};

export class ContainerRegistry {
  readonly #connections = new Map<string, Map<string, ListenerContainer>>();
  readonly #eventListeners = new Set<(event: ListenerEvent) => void>();
  readonly #subscriptions = new Map<ListenerContainer, () => void>();

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
    this.#subscriptions.set(
      container,
      container.onEvent((event) => this.#emit(event, container)),
    );
  }

  /** Takes a container out, without stopping it. */
  unregister(id: string, connection: string = DEFAULT_CONNECTION): ListenerContainer | undefined {
    const container = this.find(id, connection);
    this.#connections.get(connection)?.delete(id);
    if (container) {
      this.#subscriptions.get(container)?.();
      this.#subscriptions.delete(container);
    }
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

  /** Those that the predicate picks, in the order of registration. */
  matching(predicate: (container: ListenerContainer) => boolean): ListenerContainer[] {
    return this.list().filter(predicate);
  }

  /** The containers whose listeners name this `containerGroup`. */
  group(name: string): ContainerGroup {
    return new ContainerGroup(name, () => this.matching(({ endpoint }) => endpoint.containerGroup === name));
  }

  /** Calls `listener` for every event of every container, those of later ones too; the returned function ends that. */
  onEvent(listener: (event: ListenerEvent) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  describe(): ContainerDescription[] {
    return this.list().map((container) => container.describe());
  }

  /** Starts all that say `autoStartup`; rejects with the first failure after every one was tried. */
  async startAll(): Promise<void> {
    for (const phase of phasesOf(this.list().filter(({ endpoint }) => endpoint.autoStartup))) {
      await settleAll(phase, (container) => container.start());
    }
  }

  /** Stops all, each within its own deadline. */
  async stopAll(): Promise<void> {
    const failures: unknown[] = [];
    const note = (error: unknown): void => void failures.push(error);
    // The last to start are the first to stop.
    for (const phase of phasesOf(this.list()).reverse()) {
      await Promise.all(phase.map((container) => container.stop().catch(note)));
    }
    throwAny(failures, `${failures.length} listeners did not stop`);
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

  /** Handlers that run at once in each consumer's pool of a listener with `workers`; without a rebalance. */
  resize(id: string, workers: number, connection?: string): void {
    this.get(id, connection).workers = workers;
  }

  /** Moves partitions of a listener, all that are assigned to this process by default; see `ListenerContainer.seek`. */
  seek(
    id: string,
    target: SeekTarget,
    partitions?: TopicPartition | readonly TopicPartition[],
    connection?: string,
  ): Promise<void> {
    return this.get(id, connection).seek(target, partitions);
  }

  /** Makes the group of a listener rebalance. */
  enforceRebalance(id: string, connection?: string): void {
    this.get(id, connection).enforceRebalance();
  }

  #emit(event: ContainerEvent, container: ListenerContainer): void {
    if (this.#eventListeners.size === 0) return;
    const full: ListenerEvent = { ...event, listener: container.id, container };
    const failures: unknown[] = [];
    // One that throws must not keep the event from the others; the container logs it.
    for (const listener of this.#eventListeners) {
      try {
        listener(full);
      } catch (error) {
        failures.push(error);
      }
    }
    throwAny(failures, `${failures.length} listeners of it threw`);
  }
}

/** By `phase`, the lowest first, those of one phase in the order given. */
export function phasesOf(containers: readonly ListenerContainer[]): ListenerContainer[][] {
  const phases = new Map<number, ListenerContainer[]>();
  for (const container of containers) {
    const phase = container.endpoint.phase ?? 0;
    phases.set(phase, [...(phases.get(phase) ?? []), container]);
  }
  return [...phases].sort(([a], [b]) => a - b).map(([, phase]) => phase);
}
