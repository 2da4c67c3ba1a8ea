import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { Broker } from '../../../../src/broker/broker.js';
import { type Api, type RequestInput, type ResponseOf } from '../../../../src/protocol/api.js';
import { ErrorCode } from '../../../../src/protocol/error-codes.js';
import {
  CreateTopics,
  Fetch,
  FindCoordinator,
  InitProducerId,
  Metadata,
  OffsetFetch,
} from '../../../../src/protocol/messages/index.js';
import { SocketClient } from '../../../support/raw-client.js';
import { CaseCount } from './case-count.js';
import { eventually } from './eventually.js';
import { Topic } from './topic.js';

// The broker that the cases run against: Apache Kafka where KAFKA_BOOTSTRAP_SERVERS names one, else ours, in this
// process but over a socket. No case can tell which it is; where both may differ, the case names the answers it takes.

/** Tests run from the package's folder. */
const LIMITS_FILE = 'scripts/kafka-limits.json';

/** An id that no topic has. */
export const UNKNOWN_ID = 'ABEiM0RVZneImaq7zN3u_w';

export interface TopicOptions {
  readonly partitions?: number;
  readonly configs?: Readonly<Record<string, string>>;
  readonly name?: string;
}

export class World {
  host = '';
  port = 0;
  #broker: Broker | undefined;
  #clients: SocketClient[] = [];
  #names = 0;
  readonly cases = new CaseCount();
  /** A connection of the case's own, for whatever needs no second one. */
  client!: SocketClient;

  async start(): Promise<void> {
    const given = process.env.KAFKA_BOOTSTRAP_SERVERS?.split(',')[0];
    if (given) {
      const at = given.lastIndexOf(':');
      this.host = given.slice(0, at);
      this.port = Number(given.slice(at + 1));
    } else {
      const limits = JSON.parse(readFileSync(LIMITS_FILE, 'utf8')) as Record<string, string>;
      this.#broker = await Broker.start({ port: 0, config: limits });
      this.host = this.#broker.host;
      this.port = this.#broker.port;
    }
  }

  async stop(): Promise<void> {
    await this.#broker?.stop();
  }

  async begin(): Promise<void> {
    this.client = await this.connect();
  }

  end(): void {
    for (const client of this.#clients.splice(0)) client.close();
  }

  /** One more connection; closed when the case ends. */
  async connect(clientId = 'conformance'): Promise<SocketClient> {
    const client = await SocketClient.connect(this.port, this.host);
    client.clientId = clientId;
    this.cases.watch(client);
    this.#clients.push(client);
    return client;
  }

  send<A extends Api>(api: A, version: number, request: RequestInput<A>): Promise<ResponseOf<A>> {
    return this.client.send(api, version, request);
  }

  /** A name that no other case, file or run uses. */
  name(prefix = 'n'): string {
    return `${prefix}-${process.pid}-${process.hrtime.bigint().toString(36)}-${++this.#names}`;
  }

  /** A topic whose partitions take requests. */
  topic(options: TopicOptions = {}): Promise<Topic> {
    return this.cases.pause(() => this.#topic(options));
  }

  async #topic({ partitions = 1, configs = {}, name = this.name('t') }: TopicOptions): Promise<Topic> {
    const { topics } = await this.send(CreateTopics, 7, {
      topics: [
        {
          name,
          numPartitions: partitions,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
      validateOnly: false,
    });
    const [created] = topics;
    if (created!.errorCode !== ErrorCode.NONE) throw new Error(`topic ${name}: ${created!.errorMessage}`);
    await this.untilServed(name, partitions);
    return new Topic(this, name, created!.topicId);
  }

  /** Whether there is a topic of this name; does not create it. */
  async exists(name: string): Promise<boolean> {
    const { topics } = await this.send(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false });
    return topics[0]!.errorCode === 0;
  }

  async nodeId(): Promise<number> {
    return (await this.send(Metadata, 9, { topics: [] })).brokers[0]!.nodeId;
  }

  /** Apache Kafka names a leader a moment before that one takes requests. */
  async untilServed(name: string, partitions: number): Promise<void> {
    await eventually(async () => {
      const asked = Array.from({ length: partitions }, (_, partition) => ({
        partition,
        fetchOffset: 0,
        partitionMaxBytes: 1,
      }));
      const answer = await this.send(Fetch, 11, {
        maxWaitMs: 0,
        minBytes: 0,
        isolationLevel: 0,
        topics: [{ topic: name, partitions: asked }],
        forgottenTopicsData: [],
      });
      const codes = answer.responses.flatMap((topic) => topic.partitions.map(({ errorCode }) => errorCode));
      if (codes.some((code) => code !== 0)) throw new Error(`partitions of ${name} answer ${codes.join()}`);
    });
  }

  /** An id for an idempotent producer. Apache Kafka asks for a block of them first, and answers 14 until it has it. */
  producerId(): Promise<bigint> {
    return this.cases.pause(() => eventually(() => this.#producerId()));
  }

  async #producerId(): Promise<bigint> {
    const answer = await this.send(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 });
    if (answer.errorCode !== ErrorCode.NONE) throw new Error(`InitProducerId answers ${answer.errorCode}`);
    return answer.producerId;
  }

  /** A group id whose coordinator is ready. */
  async group(prefix = 'g'): Promise<string> {
    const groupId = this.name(prefix);
    await this.cases.pause(() => eventually(() => this.#untilCoordinated(groupId)));
    return groupId;
  }

  async #untilCoordinated(groupId: string): Promise<void> {
    const { coordinators } = await this.send(FindCoordinator, 4, { keyType: 0, coordinatorKeys: [groupId] });
    const { groups } = await this.send(OffsetFetch, 8, { groups: [{ groupId, topics: null }], requireStable: false });
    const codes = [coordinators[0]!.errorCode, groups[0]!.errorCode];
    if (codes.some((code) => code !== 0)) throw new Error(`coordinator of ${groupId} answers ${codes.join()}`);
  }
}

/** The broker of a file of cases, started before them and stopped after; each case has connections of its own. */
export function conformance(): World {
  const world = new World();
  const folder = process.env.NESTDAW_CONFORMANCE_CASES;
  if (folder) world.cases.report(folder);
  beforeAll(() => world.start());
  afterAll(() => world.stop());
  beforeEach(() => world.begin());
  afterEach(() => world.end());
  return world;
}
