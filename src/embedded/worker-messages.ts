// What crosses between an application and the thread its broker runs in: plain data.

export interface BrokerWorkerData {
  readonly host: string;
  /** Ports to try, in order; the first free one is taken. 0 is any free port. */
  readonly ports: readonly number[];
  readonly dataDir: string;
  readonly config: Readonly<Record<string, string>>;
}

export type FromBrokerWorker =
  | { readonly type: 'ready'; readonly host: string; readonly port: number }
  /** Another process holds the data directory. */
  | { readonly type: 'locked' }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly type: 'log'; readonly level: 'debug' | 'log' | 'warn' | 'error'; readonly message: string };

export type ToBrokerWorker = { readonly type: 'stop' };
