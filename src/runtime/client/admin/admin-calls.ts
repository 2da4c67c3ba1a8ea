import { exponentialBackoff } from '../../../common/backoff.js';
import { type Clock, sleep } from '../../../common/clock.js';
import { messageOf, NestdawError } from '../../../common/errors.js';
import { type Api, type RequestInput, type ResponseOf } from '../../../protocol/api.js';
import { brokerError, ErrorCode } from '../../../protocol/error-codes.js';
import { type Cluster } from '../cluster/cluster.js';
import { isWorthRetrying, refusalOf } from '../cluster/coordinator.js';

// Requests of the admin client: which node each goes to, and the one retry loop around all of them.

export interface AdminCallsOptions {
  /** A new cluster, not connected. */
  readonly openCluster: () => Cluster;
  readonly clock: Clock;
  /** How long one operation is tried. */
  readonly operationTimeoutMs: number;
}

/** One result of an answer that has several. */
export interface AdminResult {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
}

/** A topic that was just made may be unknown to a node for a moment; one that nobody made stays unknown. */
const MISSING_TRIES = 3;
/** The least that brokers are given for one request. */
const BROKER_MS = 30_000;

export class AdminCalls {
  readonly #options: AdminCallsOptions;
  readonly #backoff = exponentialBackoff({ initialMs: 100, maxMs: 1_000 });
  readonly #stopping = new AbortController();
  #opening: Promise<Cluster> | undefined;

  constructor(options: AdminCallsOptions) {
    this.#options = options;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /** How long brokers may work on one request. */
  get timeoutMs(): number {
    return Math.max(BROKER_MS, this.#options.operationTimeoutMs);
  }

  /** Carries out one operation: again after trouble that may pass, until its time is over. */
  async run<T>(what: string, operation: (cluster: Cluster) => Promise<T>): Promise<T> {
    const { clock, operationTimeoutMs } = this.#options;
    const deadline = clock.monotonic() + operationTimeoutMs;
    for (let failures = 1; ; failures++) {
      if (this.#stopping.signal.aborted) throw new NestdawError('KAFKA_STOPPED', `${what}: the admin client has ended`);
      try {
        return await operation(await this.#cluster());
      } catch (error) {
        const delay = this.#backoff(failures);
        const isHopeless = !isWorthRetrying(error) || (isMissing(error) && failures > MISSING_TRIES);
        if (isHopeless || clock.monotonic() + delay >= deadline) throw inContext(what, error);
        await sleep(clock, delay, this.#stopping.signal);
      }
    }
  }

  /** Asks for what only the controller does: one node after the other until one does not send on. */
  async byController<A extends Api>(
    cluster: Cluster,
    api: A,
    request: (version: number) => RequestInput<A>,
    results: (answer: ResponseOf<A>) => readonly AdminResult[],
  ): Promise<ResponseOf<A>> {
    const nodes = cluster.nodes();
    let last: ResponseOf<A> | undefined;
    for (const { nodeId } of nodes) {
      last = await this.ask(cluster, nodeId, api, request);
      if (!results(last).some(({ errorCode }) => errorCode === ErrorCode.NOT_CONTROLLER)) return last;
    }
    await cluster.refreshMetadata();
    if (last !== undefined) return last;
    throw new NestdawError('KAFKA_CONNECTION_FAILED', 'the cluster has no node that answers', { retriable: true });
  }

  /** Asks any node. */
  any<A extends Api>(cluster: Cluster, api: A, request: (version: number) => RequestInput<A>, highest?: number) {
    const node = cluster.nodes()[0];
    if (node !== undefined) return this.ask(cluster, node.nodeId, api, request, highest);
    throw new NestdawError('KAFKA_CONNECTION_FAILED', 'the cluster has no node that answers', { retriable: true });
  }

  async ask<A extends Api>(
    cluster: Cluster,
    nodeId: number,
    api: A,
    request: (version: number) => RequestInput<A>,
    highest?: number,
  ): Promise<ResponseOf<A>> {
    const version = await cluster.versionOf(nodeId, api, highest);
    return cluster.send(nodeId, api, version, request(version));
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening) await opening.then((cluster) => cluster.close()).catch(() => undefined);
  }

  /** Connected at the first operation; a try that failed is not remembered. */
  #cluster(): Promise<Cluster> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<Cluster> {
    const cluster = this.#options.openCluster();
    try {
      await cluster.connect();
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }
}

/** Throws the first error among results; harmless codes are none. */
export function checkResults<R extends AdminResult>(
  results: readonly R[],
  nameOf: (result: R) => string,
  harmless: readonly number[] = [],
): void {
  for (const result of results) {
    const { errorCode, errorMessage } = result;
    if (errorCode === ErrorCode.NONE || harmless.includes(errorCode)) continue;
    throw brokerError(errorCode, errorMessage ? `${nameOf(result)} (${errorMessage})` : nameOf(result));
  }
}

function isMissing(error: unknown): boolean {
  return refusalOf(error) === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}

function inContext(what: string, error: unknown): unknown {
  if (!(error instanceof NestdawError) || error.code === 'KAFKA_PROTOCOL_ERROR') return error;
  return new NestdawError(error.code, `${what}: ${messageOf(error)}`, { cause: error, retriable: error.retriable });
}
