import { TRANSACTION_BINDING, TRANSACTIONAL } from './metadata-keys.js';
import { wrapMethod } from './wrapped-method.js';

// @Transactional: a method runs in a Kafka transaction. On a listener it makes the container's commits part of it. The
// decorator wraps the method with a look-up of the running application's binding on the instance, and nothing else: a
// plain `new Service()` in a unit test runs the plain method.

/** How a method's transaction is made. */
export interface TransactionalOptions {
  /** Name of the connection. Default `default`; a listener's is the listener's own. */
  readonly connection?: string;
  /**
   * Inside of another transaction: join it, where a failure aborts all of it (`required`, the default), or begin one of
   * its own (`requires-new`). A listener's is always its container's.
   */
  readonly propagation?: 'required' | 'requires-new';
}

/** Runs one method's work in a transaction; put on instances by a running application. */
export type TransactionBinding = (options: TransactionalOptions, work: () => unknown) => Promise<unknown>;

/**
 * Runs the method in a Kafka transaction: what is sent in it, and in what it calls, becomes visible together when its
 * promise resolves, and is aborted when it rejects (Spring: `@Transactional("kafkaTransactionManager")`). The method
 * must be asynchronous: its caller's promise settles after the commit.
 *
 * On a `@KafkaListener` method the offsets of what it read are committed in the same transaction, so that reading and
 * sending count once for `isolation.level=read_committed` readers (exactly-once). The ack mode decides how much one
 * transaction covers: a record (the default of record listeners without `workers`), or a poll.
 *
 * Needs `kafka.producer.transaction-id-prefix`, unique for each process.
 */
export function Transactional(
  _manager: 'kafka' = 'kafka',
  options: TransactionalOptions = {},
): (target: object, name: string | symbol, descriptor: TypedPropertyDescriptor<any>) => void {
  return (_target, _name, descriptor) => {
    wrapMethod(descriptor, TRANSACTIONAL, options, (_method, self, call) => {
      const binding = self?.[TRANSACTION_BINDING] as TransactionBinding | undefined;
      return binding ? binding(options, call) : call();
    });
  };
}
