import { settleAll } from '../../common/lifecycle.js';
import { type ListenerContainer } from './listener-container.js';

/** Containers with one `containerGroup`, as one; those that are registered later belong to it as well. */
export class ContainerGroup {
  readonly #members: () => readonly ListenerContainer[];

  constructor(
    readonly name: string,
    members: () => readonly ListenerContainer[],
  ) {
    this.#members = members;
  }

  get containers(): readonly ListenerContainer[] {
    return this.#members();
  }

  /** Ids of its listeners. */
  get ids(): readonly string[] {
    return this.containers.map(({ id }) => id);
  }

  /** Whether at least one of them runs. */
  get isRunning(): boolean {
    return this.containers.some(({ state }) => state !== 'initialized' && state !== 'stopped' && state !== 'failed');
  }

  /** Starts all; rejects with the first failure after every one was tried. */
  start(): Promise<void> {
    return settleAll(this.containers, (container) => container.start());
  }

  /** Stops all, each within its own deadline. */
  stop(): Promise<void> {
    return settleAll(this.containers, (container) => container.stop());
  }

  pause(): void {
    for (const container of this.containers) container.pause();
  }

  resume(): void {
    for (const container of this.containers) container.resume();
  }
}
