import { type Backoff } from '../../../common/backoff.js';
import { type Clock, sleep } from '../../../common/clock.js';
import { NestdawError } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { brokerError, ErrorCode } from '../../../protocol/error-codes.js';
import { InitProducerId } from '../../../protocol/messages/22-init-producer-id.js';
import { type Cluster } from '../cluster/cluster.js';
import { type Identity } from './partition-queue.js';

// The producer id that the broker gives out, asked for when the first batch needs it and after the old one is of no
// use. An answer with an error must never be taken for an id: -1 silently means "not idempotent".

export interface ProducerIdsOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly backoff: Backoff;
  readonly requestTimeoutMs: number;
  /** Whether somebody still waits for an id. */
  readonly isWanted: () => boolean;
}

const HIGHEST_VERSION = 5;

export class ProducerIds {
  readonly #options: ProducerIdsOptions;
  readonly #stopped = new AbortController();
  #current: Identity | undefined;
  #acquiring: Promise<void> | undefined;
  /** Why there is no id yet. */
  lastError: Error | undefined;

  constructor(options: ProducerIdsOptions) {
    this.#options = options;
  }

  get current(): Identity | undefined {
    return this.#current;
  }

  /** Resolves when `current` is there, or nobody wants it any more. Rejects when the broker refuses for good. */
  acquire(): Promise<void> {
    this.#acquiring ??= this.#acquire().finally(() => {
      this.#acquiring = undefined;
    });
    return this.#acquiring;
  }

  /** The next batch that needs an id gets another one. */
  drop(producerId: bigint | undefined): void {
    if (this.#current?.producerId === producerId) this.#current = undefined;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #acquire(): Promise<void> {
    const { clock, backoff, isWanted, logger } = this.#options;
    for (let failures = 0; !this.#current && isWanted() && !this.#stopped.signal.aborted; ) {
      try {
        this.#current = await this.#ask(failures);
        this.lastError = undefined;
      } catch (error) {
        this.lastError = error as Error;
        if (!(error instanceof NestdawError) || !error.retriable) throw error;
        logger.debug?.(`producer id: ${error.message}; trying again`);
        await sleep(clock, backoff(++failures), this.#stopped.signal);
      }
    }
  }

  async #ask(attempt: number): Promise<Identity> {
    const { cluster, requestTimeoutMs: timeoutMs } = this.#options;
    // Without a transactional id any node may be asked; the first one may be the one that is down.
    if (attempt > 0) await cluster.refreshMetadata();
    const nodes = cluster.nodes();
    const node = nodes[attempt % nodes.length];
    if (!node) {
      await cluster.connect();
      return this.#ask(attempt);
    }
    const version = await cluster.versionOf(node.nodeId, InitProducerId, HIGHEST_VERSION);
    const request = { transactionalId: null, transactionTimeoutMs: timeoutMs };
    const answer = await cluster.send(node.nodeId, InitProducerId, version, request, { timeoutMs });
    if (answer.errorCode !== ErrorCode.NONE) throw brokerError(answer.errorCode, 'producer id');
    return { producerId: answer.producerId, epoch: answer.producerEpoch };
  }
}
