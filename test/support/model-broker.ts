import { createServer, type Server, type Socket } from 'node:net';
import { type KafkaRecord } from '../../src/common/record.js';
import { type Api, type RequestOf, type ResponseInput } from '../../src/protocol/api.js';
import { apisByKey, flexibleFromOf } from '../../src/protocol/api-keys.js';
import { ErrorCode } from '../../src/protocol/error-codes.js';
import { decodeRequestHeader, encodeResponseFrame, FrameSplitter } from '../../src/protocol/frame.js';
import { Produce } from '../../src/protocol/messages/00-produce.js';
import { Metadata } from '../../src/protocol/messages/03-metadata.js';
import { FindCoordinator } from '../../src/protocol/messages/10-find-coordinator.js';
import { ApiVersions } from '../../src/protocol/messages/18-api-versions.js';
import { InitProducerId } from '../../src/protocol/messages/22-init-producer-id.js';
import { type InMemoryExchange } from '../../src/runtime/client/cluster/in-memory-cluster.js';
import { ModelLog } from './model-log.js';

// A small broker for tests of the client: several nodes, partitions as lists of batches, the rules of idempotent
// producers, and a hook per request that may answer, delay, hang or close instead.

export const HANG = Symbol('never answered');
export const CLOSE = Symbol('connection closed');
export const SILENT = Symbol('carried out, not answered');

export interface Call<A extends Api = Api> {
  readonly api: A;
  readonly version: number;
  readonly request: RequestOf<A>;
  readonly clientId: string;
  readonly nodeId: number;
  readonly connectionId: number;
}

type Verdict<A extends Api> = ResponseInput<A> | typeof HANG | typeof CLOSE | typeof SILENT | undefined;
type Hook<A extends Api> = (call: Call<A>) => Verdict<A> | Promise<Verdict<A>>;

export interface ModelNode {
  readonly nodeId: number;
  readonly host: string;
  port: number;
  rack?: string;
}

interface Serving {
  readonly api: Api;
  readonly versions: readonly [min: number, max: number];
}

export class ModelBroker {
  readonly nodes: ModelNode[];
  readonly topics = new Map<string, ModelLog[]>();
  readonly calls: Call[] = [];
  /** Topics that Metadata creates when asked for. */
  autoCreatePartitions = 0;
  maxMessageBytes = 1_048_588;
  serving = new Map<number, Serving>(
    [
      { api: Produce, versions: [3, 12] as const },
      { api: Metadata, versions: [1, 12] as const },
      { api: FindCoordinator, versions: [0, 6] as const },
      { api: ApiVersions, versions: [0, 4] as const },
      { api: InitProducerId, versions: [0, 5] as const },
    ].map((served) => [served.api.key, served]),
  );
  readonly #hooks = new Map<number, Hook<any>>();
  readonly #servers = new Map<number, Server>();
  readonly #sockets = new Set<Socket>();
  #nextProducerId = 1000n;
  #connections = 0;

  constructor(topics: Record<string, number> = {}, nodeCount = 1) {
    this.nodes = Array.from({ length: nodeCount }, (_, i) => ({ nodeId: i + 1, host: '127.0.0.1', port: 10_001 + i }));
    for (const [name, partitions] of Object.entries(topics)) this.createTopic(name, partitions);
  }

  createTopic(name: string, partitions: number): void {
    const leaders = this.nodes.map(({ nodeId }) => nodeId);
    this.topics.set(
      name,
      Array.from({ length: partitions }, (_, p) => new ModelLog(name, p, leaders[p % leaders.length]!)),
    );
  }

  partition(topic: string, partition: number): ModelLog {
    return this.topics.get(topic)![partition]!;
  }

  records(topic: string, partition = 0): KafkaRecord[] {
    return this.partition(topic, partition).records();
  }

  /** Sees each request of this API first; what it returns is the answer, undefined lets the broker answer. */
  on<A extends Api>(api: A, hook: Hook<A>): void {
    this.#hooks.set(api.key, hook);
  }

  callsOf<A extends Api>(api: A): Call<A>[] {
    return this.calls.filter((call) => (call.api as Api) === api) as unknown as Call<A>[];
  }

  /** For an in-memory cluster; any address that is not a node's means the first node. */
  readonly exchange: InMemoryExchange = async (frame, { port, id, closed }) => {
    const node = this.nodes.find((one) => one.port === port) ?? this.nodes[0]!;
    const answer = await this.#answer(frame, node.nodeId, id);
    if (answer === CLOSE) throw new Error('Closed connection');
    if (answer === HANG)
      return new Promise((_, reject) => closed.addEventListener('abort', () => reject(closed.reason as Error)));
    return answer?.subarray(4);
  };

  /** Listens on a free port of each node; returns the addresses. */
  async listen(): Promise<string[]> {
    for (const node of this.nodes) await this.listenAs(node.nodeId, 0);
    return this.addresses();
  }

  addresses(): string[] {
    return this.nodes.map(({ host, port }) => `${host}:${port}`);
  }

  get openServers(): number {
    return this.#servers.size;
  }

  async listenAs(nodeId: number, port = this.nodes.find((node) => node.nodeId === nodeId)!.port): Promise<void> {
    const node = this.nodes.find((one) => one.nodeId === nodeId)!;
    const server = createServer({ noDelay: true }, (socket) => this.#serve(socket, nodeId));
    this.#servers.set(nodeId, server);
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
    node.port = (server.address() as { port: number }).port;
  }

  /** Cuts every connection; `listenAs` brings the node back. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const servers = [...this.#servers.values()];
    this.#servers.clear();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  #serve(socket: Socket, nodeId: number): void {
    const connectionId = ++this.#connections;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    const splitter = new FrameSplitter(1 << 28);
    let tail: Promise<unknown> = Promise.resolve();
    const onFrame = (frame: Buffer) => {
      tail = tail.then(async () => {
        const answer = await this.#answer(frame, nodeId, connectionId);
        if (answer === CLOSE) socket.destroy();
        else if (answer === HANG) await new Promise(() => undefined);
        else if (answer && !socket.destroyed) socket.write(answer);
      });
    };
    socket.on('data', (chunk) => splitter.push(chunk, onFrame));
  }

  async #answer(
    frame: Buffer,
    nodeId: number,
    connectionId: number,
  ): Promise<Buffer | undefined | typeof HANG | typeof CLOSE> {
    const { apiKey, apiVersion: version, correlationId, clientId, reader } = decodeRequestHeader(frame, flexibleFromOf);
    const served = this.serving.get(apiKey);
    const api = apisByKey.get(apiKey);
    if (!api || !served || version < served.versions[0] || version > served.versions[1]) return CLOSE;
    const call: Call = { api, version, request: api.request.decode(reader, version), clientId, nodeId, connectionId };
    this.calls.push(call);
    const verdict = (await this.#hooks.get(apiKey)?.(call)) as unknown;
    if (verdict === HANG || verdict === CLOSE) return verdict;
    const response = verdict === undefined || verdict === SILENT ? this.#handle(call) : verdict;
    if (verdict === SILENT || response === undefined) return undefined;
    return Buffer.concat(encodeResponseFrame(api as Api, version, correlationId, response as never));
  }

  #handle({ api, ...rest }: Call): any {
    const call = { api, ...rest } as Call<any>;
    switch (call.api) {
      case ApiVersions:
        return {
          errorCode: 0,
          throttleTimeMs: 0,
          apiKeys: [...this.serving.values()].map(({ api, versions: [minVersion, maxVersion] }) => ({
            apiKey: api.key,
            minVersion,
            maxVersion,
          })),
        };
      case Metadata:
        return this.metadataAnswer(call.request as RequestOf<typeof Metadata>);
      case InitProducerId:
        return { throttleTimeMs: 0, errorCode: 0, producerId: this.#nextProducerId++, producerEpoch: 0 };
      case FindCoordinator:
        return this.#coordinator(call.request as RequestOf<typeof FindCoordinator>);
      case Produce:
        return this.#produce(call as Call<typeof Produce>);
      default:
        throw new Error(`the model broker does not know ${call.api.name}`);
    }
  }

  metadataAnswer(request: RequestOf<typeof Metadata>): ResponseInput<typeof Metadata> {
    const names = request.topics === null ? [...this.topics.keys()] : request.topics.map(({ name }) => name!);
    return {
      brokers: this.nodes.map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack: rack ?? null })),
      controllerId: this.nodes[0]!.nodeId,
      clusterId: 'model',
      topics: names.map((name) => {
        if (!this.topics.has(name) && request.allowAutoTopicCreation && this.autoCreatePartitions > 0) {
          this.createTopic(name, this.autoCreatePartitions);
          return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name, partitions: [] };
        }
        const logs = this.topics.get(name);
        if (!logs) return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name, partitions: [] };
        return {
          errorCode: 0,
          name,
          partitions: logs.map((log) => ({
            errorCode: log.leader < 0 ? ErrorCode.LEADER_NOT_AVAILABLE : 0,
            partitionIndex: log.partition,
            leaderId: log.leader,
            replicaNodes: [log.leader],
            isrNodes: [log.leader],
          })),
        };
      }),
    };
  }

  #coordinator(request: RequestOf<typeof FindCoordinator>): ResponseInput<typeof FindCoordinator> {
    const { nodeId, host, port } = this.nodes[0]!;
    const found = { nodeId, host, port, errorCode: 0, errorMessage: null };
    return { ...found, coordinators: request.coordinatorKeys.map((key) => ({ ...found, key })) };
  }

  #produce({ request, nodeId }: Call<typeof Produce>): object | undefined {
    const responses = request.topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(({ index, records }) => {
        const log = this.topics.get(name)?.[index];
        const result = !log
          ? { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, baseOffset: -1 }
          : log.leader !== nodeId
            ? { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, baseOffset: -1 }
            : log.append(records!, this.maxMessageBytes);
        return { index, logStartOffset: 0, ...result };
      }),
    }));
    return request.acks === 0 ? undefined : { responses, throttleTimeMs: 0 };
  }
}
