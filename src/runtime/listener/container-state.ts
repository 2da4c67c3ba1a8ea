import { NestdawError } from '../../common/errors.js';

// The life of a container as a table.

export type ContainerState = 'initialized' | 'starting' | 'running' | 'paused' | 'stopping' | 'stopped' | 'failed';

/** State → states that may follow. A stopped or failed container can be started again, with new consumers. */
const FOLLOWERS: Readonly<Record<ContainerState, readonly ContainerState[]>> = {
  initialized: ['starting', 'stopped'],
  starting: ['running', 'paused', 'stopping'],
  running: ['paused', 'stopping'],
  paused: ['running', 'stopping'],
  stopping: ['stopped', 'failed'],
  stopped: ['starting'],
  failed: ['starting', 'stopped'],
};

/** Gives `to` when it may follow `from`; anything else is a mistake in the container, not of the user. */
export function transition(from: ContainerState, to: ContainerState): ContainerState {
  if (FOLLOWERS[from].includes(to)) return to;
  throw new NestdawError('KAFKA_STOPPED', `a listener container cannot go from ${from} to ${to}; start it again`);
}
