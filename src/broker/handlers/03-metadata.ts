import { ErrorCode } from '../../protocol/error-codes.js';
import { Metadata, type MetadataRequest, type MetadataResponse } from '../../protocol/messages/03-metadata.js';
import { MIN_I32 } from '../../protocol/schema.js';
import { ZERO_UUID } from '../../protocol/wire-reader.js';
import { isRefusal } from '../metadata/refusal.js';
import { isInternal, nameRefusal, OFFSETS_TOPIC, TRANSACTION_TOPIC } from '../metadata/topic-name.js';
import { type TopicEntry } from '../metadata/topic-registry.js';
import { defineHandler, type RequestContext } from '../network/handler.js';
import { type BrokerParts, CLUSTER_OPERATIONS, TOPIC_OPERATIONS, tellPartition } from './broker-parts.js';

// Metadata 0–13. A topic that is asked for by name and does not exist is created here, if that is allowed, and
// answered as existing: no client has to come back for it.

type TopicInput = NonNullable<MetadataRequest['topics']>[number];
type TopicAnswer = MetadataResponse['topics'][number];

/** First version in which topics can be asked for by id; in the two before it the field must be empty. */
const IDS_FROM = 12;

export function metadataHandler(parts: BrokerParts) {
  return defineHandler<typeof Metadata>({
    api: Metadata,
    minVersion: 0,
    maxVersion: 13,
    handle(request, context) {
      const call = new MetadataCall(parts, request, context);
      return call.run();
    },
    errorResponse: (request, errorCode, context) => ({
      ...cluster(parts, request, context),
      topics: (request.topics ?? []).map((input) => refused(input, errorCode)),
      errorCode,
    }),
  });
}

function cluster(parts: BrokerParts, request: MetadataRequest, { advertised }: RequestContext) {
  const { nodeId } = parts.config;
  return {
    throttleTimeMs: 0,
    brokers: [{ nodeId, host: advertised.host, port: advertised.port, rack: null }],
    clusterId: parts.logs.clusterId,
    controllerId: nodeId,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : MIN_I32,
  };
}

function refused({ name, topicId }: TopicInput, errorCode: number): TopicAnswer {
  return { errorCode, name, topicId, isInternal: name !== null && isInternal(name), partitions: [] };
}

class MetadataCall {
  #created = false;
  readonly #internalTopics: Array<void | Promise<void>> = [];

  constructor(
    readonly parts: BrokerParts,
    readonly request: MetadataRequest,
    readonly context: RequestContext,
  ) {}

  run(): MetadataResponse | Promise<MetadataResponse> {
    const { parts, request, context } = this;
    const response = { ...cluster(parts, request, context), topics: this.#topics(), errorCode: ErrorCode.NONE };
    // What was created must outlive a crash before anybody builds on it.
    if (!this.#created) return response;
    return Promise.all([parts.metadata.flush(), ...this.#internalTopics]).then(() => response);
  }

  #topics(): TopicAnswer[] {
    const { topics } = this.request;
    const { apiVersion } = this.context;
    if (topics === null || (apiVersion === 0 && topics.length === 0)) {
      return [...this.parts.metadata.topics.all()].map((topic) => this.#answer(topic));
    }
    const usesIds = topics.some(({ name, topicId }) => name === null || topicId !== ZERO_UUID);
    if (usesIds && apiVersion < IDS_FROM) {
      return topics.map((input) => refused({ ...input, name: input.name ?? '' }, ErrorCode.INVALID_REQUEST));
    }
    const seen = new Set<string>();
    const answers: TopicAnswer[] = [];
    for (const input of topics) {
      const key = input.name ?? input.topicId;
      if (!seen.has(key)) answers.push(this.#lookUp(input));
      seen.add(key);
    }
    return answers;
  }

  #lookUp(input: TopicInput): TopicAnswer {
    const { topics } = this.parts.metadata;
    const { name, topicId } = input;
    if (name === null || topicId !== ZERO_UUID) {
      const topic = topics.byId(topicId);
      return topic ? this.#answer(topic) : refused({ name: null, topicId }, ErrorCode.UNKNOWN_TOPIC_ID);
    }
    const topic = topics.get(name);
    if (topic) return this.#answer(topic);
    if (nameRefusal(name)) return refused(input, ErrorCode.INVALID_TOPIC_EXCEPTION);
    return this.#create(name) ?? refused(input, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  }

  #create(name: string): TopicAnswer | undefined {
    const { config, metadata } = this.parts;
    if (!this.request.allowAutoTopicCreation || !config.boolean('auto.create.topics.enable')) return undefined;
    if (name === OFFSETS_TOPIC || name === TRANSACTION_TOPIC) {
      this.#internalTopics.push(metadata.ensureInternalTopic(name));
    } else {
      const plan = metadata.createTopic({ name, numPartitions: -1, replicationFactor: -1 });
      if (isRefusal(plan)) return refused({ name, topicId: ZERO_UUID }, plan.errorCode);
    }
    this.#created = true;
    return this.#answer(metadata.topics.get(name)!);
  }

  #answer(topic: TopicEntry): TopicAnswer {
    const { name, topicId, isInternal: internal, state } = topic;
    const replicas = [this.parts.config.nodeId] as const;
    return {
      errorCode: ErrorCode.NONE,
      name,
      topicId,
      isInternal: internal,
      partitions: state.partitions.map(({ partitionId }) => tellPartition(topic, partitionId, replicas)),
      topicAuthorizedOperations: this.request.includeTopicAuthorizedOperations ? TOPIC_OPERATIONS : MIN_I32,
    };
  }
}
