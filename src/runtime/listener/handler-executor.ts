import { type ConsumerRunner, type RunnerOptions } from './consumer-runner.js';
import { type ThreadDescription } from './container-description.js';
import { type ContainerEvent } from './container-events.js';

// Where handlers run when that is not the container's own event loop.

/**
 * Runs handlers, or whole consumers, outside of the container's event loop. Started before the consumers, stopped after
 * them.
 */
export interface HandlerExecutor {
  /** Makes it ready, so that what cannot work is known before anything is read. Harmless when repeated. */
  prepare(): Promise<void>;
  /** Makes it ready, for a container that is told what happens. */
  start(supervisor: ExecutorSupervisor): Promise<void>;
  /** Ends it; what still runs is given up. */
  stop(): Promise<void>;
  /** Its threads right now. */
  describe(): readonly ThreadDescription[];
  /** Where handlers run elsewhere: the same for one more container, which starts and stops it for itself. */
  share?(): HandlerExecutor;
  /** Where whole consumers run elsewhere, not only their handlers: one of them. */
  createRunner?(options: RunnerOptions): ConsumerRunner;
}

export interface ExecutorSupervisor {
  emit(event: ContainerEvent): void;
  /** Nothing will run any more. */
  fail(cause: unknown): void;
}
