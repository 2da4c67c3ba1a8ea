import { type Api, type RequestInput, type ResponseOf } from '../../../protocol/api.js';

// The port to a Kafka cluster: which nodes there are, who leads a partition, who coordinates a key, and one request
// to one node. Nothing here retries: the one retry loop is the caller's (sender, fetcher, member).

export interface NodeInfo {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  /** Where it stands, if its operator says so. */
  readonly rack?: string;
}

export interface PartitionInfo {
  readonly partition: number;
  /** Node id of the leader; -1 when there is none at the moment. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export type CoordinatorKind = 'group' | 'transaction';

export interface SendOptions {
  /** Ms until the request is given up. Default: the cluster's request time-out. */
  readonly timeoutMs?: number;
  /** False for acks=0: resolves undefined as soon as the bytes are handed to the socket. Default true. */
  readonly expectResponse?: boolean;
}

/** How old what is known of a topic may be. */
export interface KnowledgeOptions {
  /** Asks in any case. */
  readonly refresh?: boolean;
  /** Ms since it was heard. Default: the cluster's own age. */
  readonly maxAgeMs?: number;
}

export interface Cluster {
  /**
   * Connects to the first bootstrap server that answers, and asks it for these topics at once. Throws
   * KAFKA_CONNECTION_FAILED naming each address tried; a topic that is missing is no failure.
   */
  connect(topics?: readonly string[]): Promise<void>;

  /**
   * Ends all connections at once; requests under way reject with KAFKA_STOPPED, later ones too. The cluster cannot be
   * used again.
   */
  close(): Promise<void>;

  nodes(): readonly NodeInfo[];

  /**
   * Partitions of a topic, asked of the cluster when unknown, heard too long ago, or when `refresh` is set; undefined
   * when the topic does not exist (and was not created, where the cluster creates topics on demand).
   */
  partitionsOf(topic: string, options?: KnowledgeOptions): Promise<readonly PartitionInfo[] | undefined>;

  /** Node id of the leader as last heard, without asking; -1 when unknown. */
  leaderOf(topic: string, partition: number): number;

  /** Asks again for everything known; concurrent calls share one request. */
  refreshMetadata(): Promise<void>;

  /** Node id of the coordinator of a group or a transactional id; asked anew at every call. */
  coordinatorOf(kind: CoordinatorKind, key: string): Promise<number>;

  /** Highest version of a request that the node and our tables share. Throws KAFKA_UNSUPPORTED_VERSION if none. */
  versionOf(nodeId: number, api: Api, highestWanted?: number): Promise<number>;

  /**
   * Sends one request to one node. Rejects with KAFKA_CONNECTION_FAILED (the connection broke; the request may or may
   * not have been carried out) or KAFKA_REQUEST_TIMEOUT; error codes inside the answer are the caller's business.
   * Requests to one node leave in the order of the calls.
   */
  send<A extends Api>(
    nodeId: number,
    api: A,
    version: number,
    request: RequestInput<A>,
    options?: SendOptions,
  ): Promise<ResponseOf<A>>;

  /**
   * Nobody holds any part of the answer that these bytes lie in any more: its memory may take another one. Large
   * answers that come all the time are released; what is not is left to the garbage collector.
   */
  release(answered: Buffer): void;
}
