import { ErrorCode } from '../../protocol/error-codes.js';
import {
  CreateTopics,
  type CreateTopicsRequest,
  type CreateTopicsResponse,
} from '../../protocol/messages/19-create-topics.js';
import { ZERO_UUID } from '../../protocol/wire-reader.js';
import { TopicConfig } from '../config/topic-config.js';
import { TOPIC_KEYS, type TopicKey } from '../config/topic-keys.js';
import { isRefusal, refused } from '../metadata/refusal.js';
import { type TopicPlan } from '../metadata/topic-plans.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// CreateTopics 2–7. Topics of one request are created one by one, each checked against those before it; all are
// durable, and usable, when the answer leaves.

type TopicAnswer = CreateTopicsResponse['topics'][number];

export function createTopicsHandler(parts: BrokerParts) {
  const { metadata } = parts;
  return defineHandler<typeof CreateTopics>({
    api: CreateTopics,
    minVersion: 2,
    maxVersion: 7,
    async handle({ topics, validateOnly }) {
      const answers = topics
        .filter(({ name }, i) => topics.findIndex((other) => other.name === name) === i)
        .map((wish) => {
          const isTwice = topics.filter(({ name }) => name === wish.name).length > 1;
          return isTwice ? refusedTwice(wish.name) : create(parts, wish, validateOnly);
        });
      await metadata.flush();
      return { throttleTimeMs: 0, topics: answers };
    },
    errorResponse: ({ topics }, errorCode) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ name }) => ({ name, errorCode, errorMessage: null, configs: [] })),
    }),
  });
}

function refusedTwice(name: string): TopicAnswer {
  return { name, ...refused('INVALID_REQUEST', `topic '${name}' is named twice in the request`), configs: [] };
}

function create(parts: BrokerParts, wish: CreateTopicsRequest['topics'][number], validateOnly: boolean): TopicAnswer {
  const { name } = wish;
  const plan = parts.metadata.createTopic(wish, validateOnly);
  if (isRefusal(plan)) {
    const isConfig = plan.errorCode === ErrorCode.INVALID_CONFIG;
    return { name, ...plan, ...(isConfig && { topicConfigErrorCode: ErrorCode.NONE }), configs: [] };
  }
  return {
    name,
    topicId: validateOnly ? ZERO_UUID : plan.topicId,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    numPartitions: plan.numPartitions,
    replicationFactor: 1,
    configs: configsOf(parts, plan),
  };
}

function configsOf({ config }: BrokerParts, { configs }: TopicPlan) {
  const topicConfig = new TopicConfig(config, configs);
  return (Object.keys(TOPIC_KEYS) as TopicKey[]).map((name) => {
    const { value, source } = topicConfig.entryOf(name);
    return { name, value, readOnly: false, configSource: source, isSensitive: false };
  });
}
