import {
  type Api,
  type RequestInput,
  type RequestOf,
  type ResponseInput,
  type ResponseOf,
} from '../../src/protocol/api.js';
import { WireReader } from '../../src/protocol/wire-reader.js';
import {
  type Cluster,
  type NodeInfo,
  type PartitionInfo,
  type SendOptions,
} from '../../src/runtime/client/cluster/cluster.js';
import { connectionError } from '../../src/runtime/client/cluster/node-link.js';

// A cluster whose answers the test writes: one function per API. Requests and answers go through the codecs, so that
// a test sees what would be on the wire. Clusters of one script share topics, leaders and functions.

export interface ScriptedCall<A extends Api = Api> {
  readonly api: A;
  readonly nodeId: number;
  readonly version: number;
  readonly request: RequestOf<A>;
  readonly cluster: ScriptedCluster;
}

type Answer<A extends Api> = ResponseInput<A> | Promise<ResponseInput<A>>;
type Handler<A extends Api = any> = (request: RequestOf<A>, call: ScriptedCall<A>) => Answer<A>;

export class ClusterScript {
  /** Partitions by topic. */
  readonly topics = new Map<string, number>();
  readonly calls: ScriptedCall[] = [];
  readonly clusters: ScriptedCluster[] = [];
  /** Highest version that the scripted brokers speak, by API key. */
  readonly maxVersions = new Map<number, number>();
  leaderOf: (topic: string, partition: number) => number = () => 1;
  coordinator: () => number | Promise<number> = () => 1;
  connect: () => void | Promise<void> = () => undefined;
  readonly #handlers = new Map<number, Handler>();

  constructor(topics: Record<string, number> = {}) {
    for (const [topic, partitions] of Object.entries(topics)) this.topics.set(topic, partitions);
  }

  on<A extends Api>(api: A, handler: Handler<A>): this {
    this.#handlers.set(api.key, handler);
    return this;
  }

  handler<A extends Api>(api: A): Handler<A> {
    const handler = this.#handlers.get(api.key);
    if (!handler) throw new Error(`the script has no answer to ${api.name}`);
    return handler;
  }

  /** Answers the next request of this API with `once`, later ones as before. */
  once<A extends Api>(api: A, once: Handler<A>): this {
    const usual = this.#handlers.get(api.key);
    return this.on<A>(api, (request, call) => {
      if (usual) this.on(api, usual);
      return once(request, call);
    });
  }

  callsOf<A extends Api>(api: A): Array<ScriptedCall<A>> {
    return this.calls.filter((call) => call.api.key === api.key) as unknown as Array<ScriptedCall<A>>;
  }

  open = (): ScriptedCluster => {
    const cluster = new ScriptedCluster(this);
    this.clusters.push(cluster);
    return cluster;
  };
}

export class ScriptedCluster implements Cluster {
  refreshes = 0;
  isClosed = false;
  readonly #pending = new Set<(error: Error) => void>();
  readonly #leaders = new Map<string, number[]>();

  constructor(readonly script: ClusterScript) {}

  async connect(): Promise<void> {
    await this.script.connect();
  }

  close(): Promise<void> {
    this.isClosed = true;
    for (const reject of this.#pending) reject(connectionError('closed'));
    return Promise.resolve();
  }

  nodes(): readonly NodeInfo[] {
    return [{ nodeId: 1, host: 'scripted', port: 1 }];
  }

  partitionsOf(topic: string): Promise<readonly PartitionInfo[] | undefined> {
    const count = this.script.topics.get(topic);
    if (count === undefined) return Promise.resolve(undefined);
    const leaders = Array.from({ length: count }, (_, partition) => this.script.leaderOf(topic, partition));
    this.#leaders.set(topic, leaders);
    return Promise.resolve(
      leaders.map((leader, partition) => ({ partition, leader, replicas: [leader], isr: [leader] })),
    );
  }

  leaderOf(topic: string, partition: number): number {
    return this.#leaders.get(topic)?.[partition] ?? -1;
  }

  /** As after an answer that says the topic does not exist. */
  forget(topic: string): void {
    this.#leaders.delete(topic);
  }

  async refreshMetadata(): Promise<void> {
    this.refreshes++;
    for (const topic of this.#leaders.keys()) await this.partitionsOf(topic);
  }

  async coordinatorOf(): Promise<number> {
    return this.script.coordinator();
  }

  async versionOf(_nodeId: number, api: Api, highestWanted: number = api.maxVersion): Promise<number> {
    return Math.min(highestWanted, api.maxVersion, this.script.maxVersions.get(api.key) ?? Number.POSITIVE_INFINITY);
  }

  release(): void {}

  async send<A extends Api>(
    nodeId: number,
    api: A,
    version: number,
    request: RequestInput<A>,
    _options?: SendOptions,
  ): Promise<ResponseOf<A>> {
    if (this.isClosed) throw connectionError('closed');
    const seen = api.request.decode(new WireReader(api.request.toBuffer(version, request)), version) as RequestOf<A>;
    const call: ScriptedCall<A> = { api, nodeId, version, request: seen, cluster: this };
    this.script.calls.push(call as unknown as ScriptedCall);
    let fail!: (error: Error) => void;
    const closed = new Promise<never>((_, reject) => {
      fail = reject;
    });
    this.#pending.add(fail);
    try {
      const answer = await Promise.race([this.script.handler(api)(seen, call), closed]);
      return api.response.decode(
        new WireReader(api.response.toBuffer(version, answer as any)),
        version,
      ) as ResponseOf<A>;
    } finally {
      this.#pending.delete(fail);
    }
  }
}

/** An answer that never comes; a closed cluster ends it. */
export function never(): Promise<never> {
  return new Promise(() => undefined);
}
