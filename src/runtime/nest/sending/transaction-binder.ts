import { type DiscoveryService, type MetadataScanner } from '@nestjs/core';
import { DEFAULT_CONNECTION, prefixOf } from '../../../common/connection-name.js';
import { messageOf } from '../../../common/errors.js';
import { TRANSACTION_BINDING } from '../../../decorators/metadata-keys.js';
import { type TransactionalOptions, type TransactionBinding } from '../../../decorators/transactional.js';
import { type Mistake } from '../../config/mistakes.js';
import { type KafkaTransactionManager } from '../../template/transaction-manager.js';
import { listenersOf, transactionalOf } from '../metadata-accessor.js';
import { MethodBindings } from './method-bindings.js';

// Gives `@Transactional` methods the transactions of the running application.

export interface TransactionConnection {
  readonly transactionManager: KafkaTransactionManager;
}

export class TransactionBinder {
  readonly #connectionOf: (name: string) => TransactionConnection;
  readonly #bindings: MethodBindings<TransactionalOptions>;

  constructor(connectionOf: (name: string) => TransactionConnection) {
    this.#connectionOf = connectionOf;
    this.#bindings = new MethodBindings({
      decorator: '@Transactional',
      key: TRANSACTION_BINDING,
      binding: this.#binding,
      // A listener's transaction is its container's, which runs the method inside of it.
      optionsOf: (method) => (listenersOf(method).length > 0 ? undefined : transactionalOf(method)),
      instead: 'a KafkaTransactionManager',
    });
  }

  /** Binds every `@Transactional` method found; adds to `mistakes` what is impossible. Harmless when repeated. */
  bind(discovery: DiscoveryService, scanner: MetadataScanner, mistakes: Mistake[]): void {
    for (const { where, options } of this.#bindings.bind(discovery, scanner, mistakes)) {
      this.#check(where, options.connection, mistakes);
    }
  }

  /** Takes the bindings off again: the methods are plain ones afterwards. */
  unbind(): void {
    this.#bindings.unbind();
  }

  #check(where: string, connection: string = DEFAULT_CONNECTION, mistakes: Mistake[]): void {
    try {
      if (this.#connectionOf(connection).transactionManager.isEnabled) return;
      const problem = `needs ${prefixOf(connection)}.producer.transaction-id-prefix, unique for each process`;
      mistakes.push({ origin: `@Transactional of ${where}`, problem });
    } catch (error) {
      mistakes.push({ origin: `@Transactional of ${where}`, problem: messageOf(error) });
    }
  }

  readonly #binding: TransactionBinding = ({ connection = DEFAULT_CONNECTION, propagation = 'required' }, work) =>
    this.#connectionOf(connection).transactionManager.run(work, { propagation });
}
