import { type Logger } from '../../common/logger.js';
import { type ConsumerClient } from '../client/consumer-client.js';
import { type ContainerSettings } from '../listener/container-settings.js';
import { type ListenerEndpoint } from '../listener/listener-endpoint.js';
import { type ThreadConnection } from './thread-messages.js';
import { type ThreadProducers } from './thread-producers.js';

// What the code of an application finds out about the worker thread it runs in. Kept where both builds of the package
// find it.

/** The listener as a thread runs it. */
export interface ThreadListener {
  readonly endpoint: ListenerEndpoint;
  readonly settings: Partial<ContainerSettings>;
  readonly createConsumer: (index: number) => ConsumerClient;
}

/** Present in threads that listeners were given; absent everywhere else, in other threads of the application too. */
export interface ThreadState {
  /** The one listener that the thread is for. */
  readonly listener: { readonly id: string; readonly connection: string };
  readonly connections: readonly ThreadConnection[];
  readonly logger: Logger;
  /** The application's producers, for what is sent by them. */
  readonly producers: ThreadProducers;
  /** The listener as the module's classes declare it, once they were looked through. */
  found: ThreadListener | undefined;
  /** Why declarations were of no use. */
  readonly problems: string[];
}

const KEY = Symbol.for('nestdaw:thread');

export function currentThread(): ThreadState | undefined {
  return (globalThis as { [KEY]?: ThreadState })[KEY];
}

export function enterThread(state: ThreadState): void {
  (globalThis as { [KEY]?: ThreadState })[KEY] = state;
}
