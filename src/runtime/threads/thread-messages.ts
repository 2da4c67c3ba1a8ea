import { type FromCallThread, type ToCallThread } from './call-messages.js';
import { type FromConsumerThread, type ToConsumerThread } from './consumer-messages.js';
import { type PlainError } from './plain-error.js';
import { type FromSendingThread, type ToSendingThread } from './producer-messages.js';

// What a thread is started with, and what it says and hears whatever it is for: plain data.

/** The module that threads open. */
export interface ThreadModule {
  /** URL of the compiled file. */
  readonly href: string;
  /** Name of the exported class; undefined: the only one. */
  readonly exportName: string | undefined;
}

/** A connection as a thread has it: configured like that of the application, to the same broker. */
export interface ThreadConnection {
  readonly name: string;
  /** Where its configuration is read from; an object of plain values. */
  readonly sources: Readonly<Record<string, unknown>>;
  /** Over everything else: the addresses in use, of a broker beside the application too. */
  readonly overrides: Readonly<Record<string, unknown>>;
  /**
   * Options of its `forRoot` that are code and do not cross: the thread's module has to bring the connection itself.
   */
  readonly codeOptions: readonly string[];
  /** The broker runs in this process. */
  readonly isBrokerHere: boolean;
}

export interface ThreadData {
  /** `resize#1`: in logs, and in the tools of the operating system. */
  readonly name: string;
  /** Runs calls of the listener's handler, or one of its consumers. */
  readonly duty: 'calls' | 'consumer';
  /** Number of the thread, and of its consumer. */
  readonly index: number;
  readonly listener: { readonly id: string; readonly connection: string };
  readonly module: ThreadModule;
  readonly connections: readonly ThreadConnection[];
  readonly board: SharedArrayBuffer;
}

export type LogLevel = 'debug' | 'log' | 'warn' | 'error';

export type FromThread =
  /** The module is open and the listener was found in it. */
  | { readonly type: 'ready' }
  /** Why the thread is of no use; it ends. */
  | { readonly type: 'failed'; readonly error: PlainError }
  | { readonly type: 'log'; readonly level: LogLevel; readonly message: string; readonly error: PlainError | undefined }
  | FromSendingThread
  | FromCallThread
  | FromConsumerThread;

export type ToThread =
  /** Close the module, then end. */
  { readonly type: 'close' } | ToSendingThread | ToCallThread | ToConsumerThread;
