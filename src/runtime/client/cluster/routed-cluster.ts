import { type Clock, systemClock } from '../../../common/clock.js';
import { messageOf, NestdawError } from '../../../common/errors.js';
import { type Api, type RequestInput, type ResponseOf } from '../../../protocol/api.js';
import { brokerError, ErrorCode } from '../../../protocol/error-codes.js';
import { decodeResponsePayload, requestBody } from '../../../protocol/frame.js';
import { Fetch } from '../../../protocol/messages/01-fetch.js';
import { Metadata } from '../../../protocol/messages/03-metadata.js';
import { FindCoordinator } from '../../../protocol/messages/10-find-coordinator.js';
import { addressText, type ServerAddress } from './bootstrap-servers.js';
import {
  type Cluster,
  type CoordinatorKind,
  type KnowledgeOptions,
  type NodeInfo,
  type PartitionInfo,
  type SendOptions,
} from './cluster.js';
import { ClusterMetadata } from './cluster-metadata.js';
import { connectionError, NodeLink } from './node-link.js';
import { type Transport, type VersionRange } from './transport.js';

// The cluster over any transport: which node to ask, which connection to use, what the answers said. Topics are asked
// for one by one and judged one by one: a topic that was deleted must not keep the others from being refreshed.

export interface RoutedClusterOptions {
  /** Default 30,000 ms, `request.timeout.ms`. */
  readonly requestTimeoutMs?: number;
  /** Ms for connecting and authenticating. Default 10,000, `socket.connection.setup.timeout.ms`. */
  readonly connectionSetupTimeoutMs?: number;
  /** Age at which what is known of a topic is asked for again. Default 300,000 ms, `metadata.max.age.ms`. */
  readonly metadataMaxAgeMs?: number;
  /** Whether asking for a topic may create it, where the cluster does so. Default true. */
  readonly allowAutoCreateTopics?: boolean;
  readonly clock?: Clock;
}

/** Requests that may wait at the broker have connections of their own, since answers come in the order of requests. */
type Lane = 'main' | 'group' | 'fetch';

interface Node {
  readonly info: NodeInfo;
  readonly lanes: { [lane in Lane]?: NodeLink };
}

/** From version 13 on a metadata answer may refuse the whole client, and Produce and Fetch speak of topic ids. */
const METADATA_VERSION = 12;

export class RoutedCluster implements Cluster {
  readonly #transport: Transport;
  readonly #bootstrap: NodeLink[];
  readonly #clock: Clock;
  readonly #requestTimeoutMs: number;
  readonly #setupTimeoutMs: number;
  readonly #metadataMaxAgeMs: number;
  readonly #allowAutoCreate: boolean;
  readonly #metadata = new ClusterMetadata();
  readonly #nodes = new Map<number, Node>();
  readonly #asking = new Map<string, Promise<readonly PartitionInfo[] | undefined>>();
  #refreshing: Promise<void> | undefined;
  #closed: NestdawError | undefined;

  constructor(transport: Transport, bootstrap: readonly ServerAddress[], options: RoutedClusterOptions = {}) {
    this.#transport = transport;
    this.#clock = options.clock ?? systemClock;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
    this.#setupTimeoutMs = options.connectionSetupTimeoutMs ?? 10_000;
    this.#metadataMaxAgeMs = options.metadataMaxAgeMs ?? 300_000;
    this.#allowAutoCreate = options.allowAutoCreateTopics ?? true;
    this.#bootstrap = bootstrap.map((server) => this.#newLink(server));
  }

  async connect(topics: readonly string[] = []): Promise<void> {
    await this.#askForTopics(topics, topics.length > 0 && this.#allowAutoCreate, this.#bootstrap);
  }

  close(): Promise<void> {
    const reason = new NestdawError('KAFKA_STOPPED', 'the connection to the cluster was closed by this application');
    this.#closed ??= reason;
    for (const node of this.#nodes.values()) closeNode(node, reason);
    for (const link of this.#bootstrap) link.close(reason);
    return Promise.resolve();
  }

  nodes(): readonly NodeInfo[] {
    return this.#metadata.nodes();
  }

  async partitionsOf(
    topic: string,
    { refresh = false, maxAgeMs = this.#metadataMaxAgeMs }: KnowledgeOptions = {},
  ): Promise<readonly PartitionInfo[] | undefined> {
    const oldest = refresh ? Number.POSITIVE_INFINITY : this.#clock.monotonic() - maxAgeMs;
    const known = this.#metadata.partitionsOf(topic, oldest);
    if (known) return known;
    const underWay = this.#asking.get(topic);
    if (underWay) return underWay;
    const asking = this.#askForTopic(topic).finally(() => this.#asking.delete(topic));
    this.#asking.set(topic, asking);
    return asking;
  }

  leaderOf(topic: string, partition: number): number {
    return this.#metadata.leaderOf(topic, partition);
  }

  refreshMetadata(): Promise<void> {
    this.#refreshing ??= this.#askForTopics(this.#metadata.topics(), false)
      .then(() => undefined)
      .finally(() => {
        this.#refreshing = undefined;
      });
    return this.#refreshing;
  }

  async coordinatorOf(kind: CoordinatorKind, key: string): Promise<number> {
    const keyType = kind === 'group' ? 0 : 1;
    const { answer, version } = await this.#askAny(FindCoordinator, FindCoordinator.maxVersion, (version) =>
      version >= 4 ? { keyType, coordinatorKeys: [key] } : { keyType, key },
    );
    const found = version >= 4 ? answer.coordinators[0] : answer;
    if (!found) throw brokerError(ErrorCode.COORDINATOR_NOT_AVAILABLE, `coordinator of ${kind} ${key}`);
    if (found.errorCode !== ErrorCode.NONE) throw brokerError(found.errorCode, `coordinator of ${kind} ${key}`);
    this.#metadata.addNode({ nodeId: found.nodeId, host: found.host, port: found.port });
    return found.nodeId;
  }

  async versionOf(nodeId: number, api: Api, highestWanted: number = api.maxVersion): Promise<number> {
    const link = this.#link(nodeId, laneOf(api));
    return sharedVersion(link, await link.versions(), api, highestWanted);
  }

  send<A extends Api>(
    nodeId: number,
    api: A,
    version: number,
    request: RequestInput<A>,
    options: SendOptions = {},
  ): Promise<ResponseOf<A>> {
    try {
      return this.#exchange(this.#link(nodeId, laneOf(api)), api, version, request, options);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  release(answered: Buffer): void {
    this.#transport.release(answered);
  }

  #exchange<A extends Api>(
    link: NodeLink,
    api: A,
    version: number,
    request: RequestInput<A>,
    { timeoutMs = this.#requestTimeoutMs, expectResponse = true }: SendOptions = {},
  ): Promise<ResponseOf<A>> {
    // Encoded now, so that the bytes are those of the moment of the call.
    return link
      .request(api, version, requestBody(api, version, request), timeoutMs, expectResponse)
      .then((payload) =>
        payload === undefined ? (undefined as unknown as ResponseOf<A>) : decodeResponsePayload(api, version, payload),
      );
  }

  async #askForTopic(topic: string): Promise<readonly PartitionInfo[] | undefined> {
    const errors = await this.#askForTopics([topic], this.#allowAutoCreate);
    const code = errors.get(topic) ?? ErrorCode.NONE;
    switch (code) {
      case ErrorCode.NONE:
        return this.#metadata.partitionsOf(topic, Number.NEGATIVE_INFINITY);
      case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
      case ErrorCode.LEADER_NOT_AVAILABLE: // just created, its partitions are on their way
        return undefined;
      default:
        throw brokerError(code, `metadata of topic ${topic}`);
    }
  }

  async #askForTopics(
    topics: readonly string[],
    allowAutoTopicCreation: boolean,
    links?: readonly NodeLink[],
  ): Promise<ReadonlyMap<string, number>> {
    const { answer } = await this.#askAny(
      Metadata,
      METADATA_VERSION,
      () => ({ topics: topics.map((name) => ({ name })), allowAutoTopicCreation }),
      links,
    );
    const errors = this.#metadata.apply(answer, this.#clock.monotonic());
    this.#forgetNodes();
    return errors;
  }

  /** Asks one node after the other until one answers: those with a connection first, the bootstrap servers last. */
  async #askAny<A extends Api>(
    api: A,
    highestWanted: number,
    request: (version: number) => RequestInput<A>,
    links: readonly NodeLink[] = this.#linksToAsk(),
  ): Promise<{ readonly answer: ResponseOf<A>; readonly version: number }> {
    const failures: unknown[] = [];
    for (const link of links) {
      if (this.#closed) throw this.#closed;
      try {
        const version = sharedVersion(link, await link.versions(), api, highestWanted);
        return { answer: await this.#exchange(link, api, version, request(version)), version };
      } catch (error) {
        failures.push(error);
      }
    }
    throw this.#closed ?? nobodyAnswered(api, failures);
  }

  #linksToAsk(): NodeLink[] {
    const known = this.nodes().map(({ nodeId }) => this.#link(nodeId, 'main'));
    const links = [...known.filter((link) => link.isOpen()), ...known.filter((link) => !link.isOpen())];
    for (const link of this.#bootstrap) if (!links.some(({ address }) => address === link.address)) links.push(link);
    return links;
  }

  #link(nodeId: number, lane: Lane): NodeLink {
    if (this.#closed) throw this.#closed;
    const info = this.#metadata.node(nodeId);
    if (!info) throw connectionError(`node ${nodeId} is not in the cluster's metadata; refresh the metadata`);
    let node = this.#nodes.get(nodeId);
    if (!node) {
      node = { info, lanes: {} };
      this.#nodes.set(nodeId, node);
    }
    node.lanes[lane] ??= this.#linkTo(node, lane);
    return node.lanes[lane];
  }

  /**
   * The connection to a bootstrap server serves as its node's main one. Group requests take it over where it is open:
   * whoever makes them has little else to ask, and opening one costs as much as joining.
   */
  #linkTo({ info, lanes }: Node, lane: Lane): NodeLink {
    const address = addressText(info);
    const at = lane === 'fetch' ? -1 : this.#bootstrap.findIndex((link) => link.address === address);
    const bootstrap = this.#bootstrap[at];
    if (!bootstrap || lane === 'main') return bootstrap ?? this.#newLink(info);
    if (!bootstrap.isOpen()) return this.#newLink(info);
    this.#bootstrap[at] = this.#newLink(bootstrap.server); // opened when it is needed
    if (lanes.main === bootstrap) delete lanes.main;
    return bootstrap;
  }

  #newLink(server: ServerAddress): NodeLink {
    return new NodeLink(server, {
      transport: this.#transport,
      clock: this.#clock,
      setupTimeoutMs: this.#setupTimeoutMs,
    });
  }

  /** Closes the connections to nodes that left the cluster or moved to another address. */
  #forgetNodes(): void {
    for (const [nodeId, node] of this.#nodes) {
      const now = this.#metadata.node(nodeId);
      if (now && now.host === node.info.host && now.port === node.info.port) continue;
      this.#nodes.delete(nodeId);
      closeNode(node, connectionError(`node ${nodeId} is no longer at ${addressText(node.info)}`), this.#bootstrap);
    }
  }
}

function laneOf(api: Api): Lane {
  if (api === Fetch) return 'fetch';
  return GROUP_REQUESTS.has(api.key) ? 'group' : 'main';
}

/** OffsetCommit, OffsetFetch, JoinGroup, Heartbeat, LeaveGroup, SyncGroup. */
const GROUP_REQUESTS: ReadonlySet<number> = new Set([8, 9, 11, 12, 13, 14]);

function closeNode(node: Node, reason: NestdawError, keep: readonly NodeLink[] = []): void {
  for (const link of Object.values(node.lanes)) if (!keep.includes(link)) link.close(reason);
}

function sharedVersion(
  link: NodeLink,
  versions: ReadonlyMap<number, VersionRange>,
  api: Api,
  highestWanted: number,
): number {
  const served = versions.get(api.key);
  const highest = Math.min(highestWanted, api.maxVersion, served?.max ?? -1);
  if (served && highest >= Math.max(api.minVersion, served.min)) return highest;
  const theirs = served ? `serves ${served.min} to ${served.max}` : 'does not serve it';
  throw new NestdawError(
    'KAFKA_UNSUPPORTED_VERSION',
    `${api.name}: this client speaks versions ${api.minVersion} to ${Math.min(highestWanted, api.maxVersion)}, ${link.address} ${theirs}; use a broker of version 2.1 or newer`,
  );
}

/** One error from all that was tried: what a user needs is every address and its reason. */
function nobodyAnswered(api: Api, failures: readonly unknown[]): NestdawError {
  const [first] = failures;
  if (failures.length === 1 && first instanceof NestdawError && first.code === 'KAFKA_UNSUPPORTED_VERSION')
    return first;
  const incompatible = failures.find((e) => e instanceof NestdawError && e.code === 'KAFKA_TRANSPORT_INCOMPATIBLE');
  if (incompatible) return incompatible as NestdawError;
  const reasons = failures.map(messageOf).join('; ');
  // What a listener does that expects another security protocol.
  const hint = reasons.includes('Closed connection') ? ', and whether its listener wants TLS or SASL' : '';
  return new NestdawError(
    'KAFKA_CONNECTION_FAILED',
    `no server answered ${api.name}: ${reasons}. Check bootstrap.servers and that the broker is running${hint}`,
    { cause: first, retriable: failures.some((e) => !(e instanceof NestdawError) || e.retriable) },
  );
}
