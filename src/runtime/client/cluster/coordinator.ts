import { hasCode } from '../../../common/errors.js';
import { type Api, type RequestInput, type ResponseOf } from '../../../protocol/api.js';
import { ErrorCode } from '../../../protocol/error-codes.js';
import { type Cluster, type CoordinatorKind, type SendOptions } from './cluster.js';

// The coordinator of one group or transactional id: found once, remembered until it says that it is not (or is no
// longer reachable).

/** An answer, and the node that gave it. */
export interface CoordinatorAnswer<A extends Api> {
  readonly nodeId: number;
  readonly response: ResponseOf<A>;
}

export class Coordinator {
  #nodeId: number | undefined;
  #finding: Promise<number> | undefined;

  constructor(
    readonly cluster: Cluster,
    readonly kind: CoordinatorKind,
    /** The group's name, or the transactional id. */
    readonly key: string,
  ) {}

  /** The node as last heard; undefined while it must be looked up. */
  get nodeId(): number | undefined {
    return this.#nodeId;
  }

  /** Node id of the coordinator; concurrent calls share one look-up. */
  find(): Promise<number> {
    if (this.#nodeId !== undefined) return Promise.resolve(this.#nodeId);
    this.#finding ??= this.cluster
      .coordinatorOf(this.kind, this.key)
      .then((nodeId) => {
        this.#nodeId = nodeId;
        return nodeId;
      })
      .finally(() => {
        this.#finding = undefined;
      });
    return this.#finding;
  }

  /** Finds the node and opens its connection ahead of the first request; what fails here is told by that one. */
  prepare(api: Api): void {
    this.find()
      .then((nodeId) => this.cluster.versionOf(nodeId, api))
      .catch(() => undefined);
  }

  /** Looks the coordinator up again next time; ignored when it has been found anew in the meantime. */
  forget(nodeId: number): void {
    if (this.#nodeId === nodeId) this.#nodeId = undefined;
  }

  /** Sends one request to the coordinator. A broken connection or a time-out makes it be looked up again. */
  async send<A extends Api>(
    api: A,
    highestVersion: number,
    request: (version: number) => RequestInput<A>,
    options?: SendOptions,
  ): Promise<CoordinatorAnswer<A>> {
    const nodeId = await this.find();
    try {
      const version = await this.cluster.versionOf(nodeId, api, highestVersion);
      return { nodeId, response: await this.cluster.send(nodeId, api, version, request(version), options) };
    } catch (error) {
      if (isConnectionTrouble(error)) this.forget(nodeId);
      throw error;
    }
  }

  /** Forgets the node when the code says that it does not coordinate it; returns whether it does. */
  movedAway(nodeId: number, errorCode: number): boolean {
    const moved = errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE || errorCode === ErrorCode.NOT_COORDINATOR;
    if (moved) this.forget(nodeId);
    return moved;
  }
}

/** Whether a connection or an answer is missing, and may come; a refused password, for one, will not. */
export function isConnectionTrouble(error: unknown): boolean {
  const isTrouble = hasCode(error, 'KAFKA_CONNECTION_FAILED') || hasCode(error, 'KAFKA_REQUEST_TIMEOUT');
  return isTrouble && isWorthRetrying(error);
}

/** Whether the same request may succeed later: connection trouble, or a code that says so. */
export function isWorthRetrying(error: unknown): boolean {
  return (error as { retriable?: unknown } | null)?.retriable === true;
}

/** The code a request was refused with; undefined for other errors. */
export function refusalOf(error: unknown): number | undefined {
  return hasCode(error, 'KAFKA_PROTOCOL_ERROR') ? (error as { errorCode?: number }).errorCode : undefined;
}
