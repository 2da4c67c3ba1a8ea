import { type DiscoveryService, type MetadataScanner } from '@nestjs/core';
import { messageOf } from '../../../common/errors.js';
import { DEFAULT_CONNECTION } from '../../../decorators/inject-kafka-template.js';
import { TRANSACTION_BINDING } from '../../../decorators/metadata-keys.js';
import { type TransactionBinding } from '../../../decorators/transactional.js';
import { type Mistake } from '../../config/mistakes.js';
import { type KafkaTransactionManager } from '../../template/transaction-manager.js';
import { listenersOf, transactionalOf } from '../metadata-accessor.js';
import { eachHost, type MethodHost } from '../method-hosts.js';

// Gives the instances of an application the binding through which their `@Transactional` methods run in transactions.
// An instance carries its binding itself, so that two applications in one process do not meet.

export interface TransactionConnection {
  readonly transactionManager: KafkaTransactionManager;
}

export class TransactionBinder {
  readonly #connectionOf: (name: string) => TransactionConnection;
  readonly #bound = new Set<object>();

  constructor(connectionOf: (name: string) => TransactionConnection) {
    this.#connectionOf = connectionOf;
  }

  /** Binds every `@Transactional` method found; adds to `mistakes` what is impossible. Harmless when repeated. */
  bind(discovery: DiscoveryService, scanner: MetadataScanner, mistakes: Mistake[]): void {
    for (const host of eachHost(discovery)) {
      for (const name of scanner.getAllMethodNames(host.prototype)) {
        const method = (host.prototype as Record<string, object>)[name]!;
        const options = transactionalOf(method);
        // A listener's transaction is its container's, which runs the method inside of it.
        if (!options || listenersOf(method).length > 0) continue;
        this.#check(`${host.type.name}.${name}`, options.connection, mistakes);
        this.#attach(host, mistakes);
      }
    }
  }

  /** Takes the bindings off again: the methods are plain ones afterwards. */
  unbind(): void {
    for (const holder of this.#bound) delete (holder as Record<symbol, unknown>)[TRANSACTION_BINDING];
    this.#bound.clear();
  }

  #check(where: string, connection: string = DEFAULT_CONNECTION, mistakes: Mistake[]): void {
    try {
      if (this.#connectionOf(connection).transactionManager.isEnabled) return;
      const keys = connection === DEFAULT_CONNECTION ? 'kafka' : `kafka.${connection}`;
      const problem = `needs ${keys}.producer.transaction-id-prefix, unique for each process`;
      mistakes.push({ origin: `@Transactional of ${where}`, problem });
    } catch (error) {
      mistakes.push({ origin: `@Transactional of ${where}`, problem: messageOf(error) });
    }
  }

  /** Scoped instances come and go, so their class's prototype carries the binding for them. */
  #attach({ instances, prototype, type }: MethodHost, mistakes: Mistake[]): void {
    for (const holder of instances ?? [prototype]) {
      if (this.#bound.has(holder)) continue;
      if (!instances && Object.hasOwn(holder, TRANSACTION_BINDING)) {
        const problem = 'is not a singleton, and another running application uses it; inject a KafkaTransactionManager';
        mistakes.push({ origin: `@Transactional of ${type.name}`, problem });
        continue;
      }
      Object.defineProperty(holder, TRANSACTION_BINDING, { value: this.#binding, configurable: true });
      this.#bound.add(holder);
    }
  }

  readonly #binding: TransactionBinding = ({ connection = DEFAULT_CONNECTION, propagation = 'required' }, work) =>
    this.#connectionOf(connection).transactionManager.run(work, { propagation });
}
