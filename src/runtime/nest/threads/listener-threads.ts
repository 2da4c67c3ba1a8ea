import { messageOf } from '../../../common/errors.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type Mistake } from '../../config/mistakes.js';
import { type HandlerExecutor } from '../../listener/handler-executor.js';
import {
  type BatchInvoker,
  type ListenerEndpoint,
  type Outcome,
  type RecordInvoker,
} from '../../listener/listener-endpoint.js';
import { moduleHref } from '../../threads/module-file.js';
import { type FindSharedProducer } from '../../threads/shared-producer.js';
import { bootThread, type ThreadLink } from '../../threads/thread.js';
import { ThreadConsumers } from '../../threads/thread-consumers.js';
import { type ThreadConnection, type ThreadData, type ThreadModule } from '../../threads/thread-messages.js';
import { ThreadPool } from '../../threads/thread-pool.js';
import { type RuntimeTools } from '../runtime-tools.js';
import { type ThreadsOptions } from './threads-options.js';

// Listeners that run in threads: checked when they are found, and given an executor in place of their handler.

const KILL_AFTER_MS = 5_000;

export interface ListenerThreadsOptions {
  /** What `forRoot` says; undefined: nothing. */
  readonly options: () => ThreadsOptions | undefined;
  /** The connections as threads shall have them; asked for when a thread starts. */
  readonly connections: (thread: string) => readonly ThreadConnection[];
  /** The producers of the application, for threads that send by them. */
  readonly producers: FindSharedProducer;
  readonly tools: Readonly<RuntimeTools>;
}

export class ListenerThreads {
  readonly #options: ListenerThreadsOptions;

  constructor(options: ListenerThreadsOptions) {
    this.#options = options;
  }

  /** The endpoint with its handler in threads; undefined, with mistakes, when that is impossible. */
  moved(
    where: string,
    endpoint: ListenerEndpoint,
    isDeclared: boolean,
    mistakes: Mistake[],
  ): ListenerEndpoint | undefined {
    const origin = `@KafkaListener of ${where}`;
    const refuse = (problem: string): undefined => {
      mistakes.push({ origin, key: 'threads', problem });
    };
    if (!isDeclared) {
      return refuse(
        'only methods with @KafkaListener run in threads, for a thread finds them in its own module; leave threads out',
      );
    }
    const options = this.#options.options();
    if (options === undefined) {
      return refuse(
        'threads open a module of their own; name it: KafkaModule.forRoot({ threads: { module: new ' +
          "URL('./worker.module.js', import.meta.url) } })",
      );
    }
    let module: ThreadModule;
    try {
      module = { href: moduleHref(options.module), exportName: options.export };
    } catch (error) {
      return refuse(messageOf(error));
    }
    const { clock, logger } = this.#options.tools;
    const { id, groupId, threads, concurrency, handler } = endpoint;
    if (threads === 'consumers') {
      const boot = this.#boot(endpoint, module, 'consumer', options);
      const executor = new ThreadConsumers({ listener: id, groupId, consumers: concurrency, boot, clock, logger });
      return { ...endpoint, executor };
    }
    const boot = this.#boot(endpoint, module, 'calls', options);
    const { killAfterMs = KILL_AFTER_MS } = options;
    const pool = new ThreadPool({ listener: id, threads: threads ?? 1, boot, killAfterMs, clock, logger });
    return { ...endpoint, handler: handlerOver(pool, handler.kind), executor: pool };
  }

  #boot(
    { id, connection }: ListenerEndpoint,
    module: ThreadModule,
    duty: ThreadData['duty'],
    { limits }: ThreadsOptions,
  ): (index: number) => Promise<ThreadLink> {
    const { connections, producers, tools } = this.#options;
    return (index) => {
      const name = `${id}#${index}`;
      const data = { name, duty, index, listener: { id, connection }, module, connections: connections(name) };
      return bootThread(data, { limits, producers, clock: tools.clock, logger: tools.logger });
    };
  }
}

function handlerOver(pool: ThreadPool & HandlerExecutor, kind: 'record' | 'batch'): ListenerEndpoint['handler'] {
  if (kind === 'batch') return { kind, invoke: ((records, context) => pool.invoke(records, context)) as BatchInvoker };
  const invoke: RecordInvoker = (record: KafkaRecord, context) => pool.invoke([record], context) as Promise<Outcome>;
  return { kind, invoke };
}
