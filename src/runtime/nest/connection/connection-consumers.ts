import { type Clock } from '../../../common/clock.js';
import { type Logger } from '../../../common/logger.js';
import { type Assignor } from '../../client/consumer/assignors/assignor.js';
import { PACKAGED_ASSIGNORS, packagedAssignor } from '../../client/consumer/assignors/assignors.js';
import {
  type ConsumerOptions,
  consumerSettings,
  type ManualAssignment,
} from '../../client/consumer/consumer-options.js';
import { GroupConsumer } from '../../client/consumer/group-consumer.js';
import { lookUpRecords } from '../../client/consumer/record-lookup.js';
import { StandaloneConsumer } from '../../client/consumer/standalone-consumer.js';
import { type ConsumerClient } from '../../client/consumer-client.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { mistakeAt } from '../../config/mistake-at.js';
import { type Mistake } from '../../config/mistakes.js';
import { checkConsumer, type Findings } from '../../config/rules.js';
import { InboxConsumer } from '../../inbox/inbox-consumer.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';
import { type RecordReader } from '../../template/kafka-template.js';
import { type DiscoveredListener } from '../declarations/listener-declaration.js';
import { consumerNumbers } from './client-options.js';
import { consumerRequest } from './cluster-request.js';
import { type ConnectionClusters } from './connection-clusters.js';
import { type ClientFactories } from './connection-options.js';
import { TopicCheck } from './missing-topics.js';
import { collect } from './settings-check.js';

// The consumers of a connection: those of its listeners, and the one that reads single records.

const STRATEGIES = 'consumer.properties.partition.assignment.strategy';

export interface ConnectionConsumersOptions {
  readonly properties: KafkaProperties;
  readonly clusters: ConnectionClusters;
  /** Strategies that `partition.assignment.strategy` may name beside those of the package. */
  readonly assignors: readonly Assignor[];
  /** Another client, for tests. */
  readonly factory: ClientFactories['consumer'];
  /** Whether the broker in use ends with this process; undefined while there is none beside the application. */
  readonly isBrokerHere: () => boolean | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ConnectionConsumers {
  /** Whether topics are there that have to be. */
  readonly topics: TopicCheck;
  readonly #options: ConnectionConsumersOptions;

  constructor(options: ConnectionConsumersOptions) {
    this.#options = options;
    const { properties, clusters } = options;
    const numbers = { ...consumerRequest(properties, { id: 'topics' }, 0), allowAutoCreateTopics: false };
    this.topics = new TopicCheck(() => clusters.open('consumer', numbers), properties.prefix);
  }

  /** Finds values that are none and settings that contradict each other. */
  check(listener: DiscoveredListener, findings: Findings): void {
    const before = findings.mistakes.length;
    checkConsumer(listener.properties, findings);
    this.checkStrategies(listener.properties, findings.mistakes);
    if (findings.mistakes.length > before) return;
    const origin = `listener ${listener.endpoint.id}`;
    collect(findings.mistakes, origin, () => consumerSettings(this.#optionsOf(listener, 0)));
  }

  /** Finds strategies that nobody knows. */
  checkStrategies(properties: KafkaProperties, mistakes: Mistake[]): void {
    for (const strategy of this.#strategies(properties)) {
      if (typeof strategy !== 'string' || packagedAssignor(strategy)) continue;
      const problem = `unknown strategy; use ${PACKAGED_ASSIGNORS}, or one that KafkaModule.forRoot({ assignors }) is given`;
      mistakes.push(mistakeAt(properties, STRATEGIES, problem, strategy));
    }
  }

  /** The consumer of a listener, or one of several. */
  create(listener: DiscoveredListener, index: number): ConsumerClient {
    const { id, inbox } = listener.endpoint;
    const source = this.#createSource(listener, index);
    if (!inbox) return source;
    const { clock, logger } = this.#options;
    const maxPollRecords = listener.properties.get('consumer.max-poll-records');
    return new InboxConsumer({ source, ...inbox, maxPollRecords, name: `listener ${id}`, clock, logger });
  }

  #createSource(listener: DiscoveredListener, index: number): ConsumerClient {
    const { factory } = this.#options;
    if (factory) return factory(listener, index);
    const options = this.#optionsOf(listener, index);
    return options.assignment ? new StandaloneConsumer(options) : new GroupConsumer(options);
  }

  #optionsOf({ endpoint, properties }: DiscoveredListener, index: number): ConsumerOptions {
    const { clusters, clock, logger } = this.#options;
    const request = consumerRequest(properties, endpoint, index);
    return {
      ...consumerNumbers(properties),
      partitionAssignmentStrategy: this.#strategies(properties),
      groupId: endpoint.groupId,
      topics: endpoint.topics,
      ...(endpoint.offsets === undefined ? {} : { offsets: endpoint.offsets }),
      ...(endpoint.topicPattern === undefined ? {} : { topicPattern: endpoint.topicPattern }),
      ...(endpoint.assignment === undefined
        ? this.#membership(endpoint, properties, index)
        : { assignment: assignmentOf(endpoint.assignment, index, endpoint.concurrency) }),
      createCluster: () => clusters.open('consumer', request),
      clientId: request.clientId,
      clock,
      logger,
    };
  }

  /** Own ones by their name, or that of their class. */
  #strategies(properties: KafkaProperties): Array<string | Assignor> {
    const { assignors } = this.#options;
    const named = (text: string) =>
      assignors.find((own) => own.name === text || own.constructor.name === text.split('.').at(-1));
    return properties.get(STRATEGIES).map((text) => named(text) ?? text);
  }

  /** Static or dynamic membership. A group refuses two members of one instance id, hence the index. */
  #membership(endpoint: ListenerEndpoint, properties: KafkaProperties, index: number) {
    const instanceId = properties.get('consumer.properties.group.instance.id');
    if (instanceId !== undefined) {
      return { groupInstanceId: endpoint.concurrency > 1 ? `${instanceId}-${index}` : instanceId };
    }
    if (!this.#options.isBrokerHere()) return {};
    // The broker dies with this process. Dynamic members that died with it would hold up their groups for a session
    // after a restart; static ones are simply replaced. The directory's lock makes the host, and so the id, unique.
    return { groupInstanceId: `host-${endpoint.id}-${index}`, leaveOnStop: true };
  }

  /** Reads single records. */
  readonly lookUp: RecordReader = (positions, timeoutMs) => {
    const { properties, clusters, clock } = this.#options;
    const cluster = clusters.open('consumer', {
      ...consumerRequest(properties, { id: 'receive' }, 0),
      allowAutoCreateTopics: false,
    });
    return lookUpRecords(positions, {
      cluster,
      clock,
      isolationLevel: properties.get('consumer.isolation-level'),
      checkCrcs: properties.get('consumer.properties.check.crcs'),
      timeoutMs,
    });
  };
}

function assignmentOf(
  assignment: NonNullable<ListenerEndpoint['assignment']>,
  index: number,
  of: number,
): ManualAssignment {
  return assignment === 'all' ? { index, of } : { partitions: assignment, index, of };
}
