import { KAFKA_OUTBOX, OUTBOX_BINDING } from './metadata-keys.js';
import { type ProducerOptions } from './producer.js';
import { wrapMethod } from './wrapped-method.js';

// @Outbox: what a method returns is written to the outbox, in the SQL transaction that the method ran in.

/**
 * What an outbox method declares: topic, key, partition and headers as for `@Producer`. Messages with the same key of a
 * topic are relayed one after another; those without a key have no order.
 */
export type OutboxOptions<T = any> = Omit<ProducerOptions<T>, 'connection' | 'producer'>;

/** Runs one method and writes its result; put on instances by a running application. */
export type OutboxBinding = (method: object, call: () => unknown) => Promise<unknown>;

type AsyncMethod = (...args: any[]) => Promise<any>;

/**
 * The transactional outbox: the method runs in a SQL transaction (the one that is open already, else one of its own;
 * `currentSqlTransaction()` gives it to the method), and what its promise resolves to is written to the outbox in that
 * transaction. So message and rows commit together, or neither does. A relay sends it afterwards, at least once, with
 * a stable `message-id`. Several values (an array, a set) are several messages, `RecordToSend` says more about one,
 * `undefined` writes nothing, `null` a tombstone. Needs `KafkaOutboxModule`.
 *
 * Rejects with what the method or the database rejects with, and KAFKA_SERIALIZATION_FAILED for a result that the
 * template cannot write.
 */
export function Outbox<T = any>(options: OutboxOptions<T>) {
  return <M extends AsyncMethod>(
    _target: object,
    _name: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    wrapMethod(descriptor, KAFKA_OUTBOX, options, (method, self, call) => {
      const binding = self?.[OUTBOX_BINDING] as OutboxBinding | undefined;
      return binding ? binding(method, call) : call();
    });
  };
}
