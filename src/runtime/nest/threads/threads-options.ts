import { type ThreadLimits } from '../../threads/thread.js';

/** How an application runs handlers in worker threads: `KafkaModule.forRoot({ threads })`. */
export interface ThreadsOptions {
  /**
   * The compiled file of the Nest module that each thread opens: `new URL('./worker.module.js', import.meta.url)`, or
   * an absolute path. It has the listeners that run in threads among its providers, and what these need; the main
   * application imports it too. `KafkaModule` need not be imported there: the thread has the connections of the
   * application.
   */
  readonly module: URL | string;
  /** Name of the exported class. Default: the only exported class, or the only one that is a Nest module. */
  readonly export?: string;
  /**
   * How long a handler has, after its signal fired at max.poll.interval.ms, before its thread is killed; ms. Default
   * 5000.
   */
  readonly killAfterMs?: number;
  /** Memory of each thread, as Node's `resourceLimits`. Default: Node's. */
  readonly limits?: ThreadLimits;
}
