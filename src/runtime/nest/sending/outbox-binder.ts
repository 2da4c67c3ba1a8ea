import { type DiscoveryService, type MetadataScanner } from '@nestjs/core';
import { NestdawError } from '../../../common/errors.js';
import { KAFKA_OUTBOX, OUTBOX_BINDING } from '../../../decorators/metadata-keys.js';
import { type OutboxOptions } from '../../../decorators/outbox.js';
import { type Environment } from '../../config/environment.js';
import { type Mistake } from '../../config/mistakes.js';
import { type OutboxTemplate } from '../../outbox/outbox-template.js';
import { MethodBindings } from './method-bindings.js';
import { isSeveral, recordReader } from './send-plan.js';

// Gives `@Outbox` methods the outbox of the running application.

interface WritePlan {
  readonly splitsIterables: boolean;
  readonly recordOf: ReturnType<typeof recordReader>;
}

export class OutboxBinder {
  readonly #environment: Environment;
  readonly #plans = new Map<object, WritePlan>();
  readonly #bindings: MethodBindings<OutboxOptions>;

  constructor(template: OutboxTemplate, environment: Environment) {
    this.#environment = environment;
    this.#bindings = new MethodBindings({
      decorator: '@Outbox',
      key: OUTBOX_BINDING,
      binding: (method: object, call: () => unknown) => this.#run(template, method, call),
      optionsOf: (method) => Reflect.getMetadata(KAFKA_OUTBOX, method) as OutboxOptions | undefined,
      instead: 'an OutboxTemplate',
    });
  }

  bind(discovery: DiscoveryService, scanner: MetadataScanner, mistakes: Mistake[]): void {
    for (const { method, where, options } of this.#bindings.bind(discovery, scanner, mistakes)) {
      try {
        const recordOf = recordReader(where, options, this.#environment);
        this.#plans.set(method, { recordOf, splitsIterables: options.splitIterables ?? true });
      } catch (error) {
        mistakes.push({ origin: `@Outbox of ${where}`, problem: (error as Error).message });
      }
    }
  }

  unbind(): void {
    this.#bindings.unbind();
  }

  async #run(template: OutboxTemplate, method: object, call: () => unknown): Promise<unknown> {
    const plan = this.#plans.get(method);
    if (!plan) {
      const message = `@Outbox method ${(method as { name: string }).name} was not there when the application started`;
      throw new NestdawError('KAFKA_CONFIG_INVALID', message);
    }
    const work = async (): Promise<unknown> => {
      const value = await call();
      const values = plan.splitsIterables && isSeveral(value) ? [...value] : value === undefined ? [] : [value];
      // All are looked at before the first one is written.
      for (const record of values.map((each) => plan.recordOf(each))) await template.send(record);
      return value;
    };
    return template.hasTransactions ? template.inTransaction(work) : work();
  }
}
