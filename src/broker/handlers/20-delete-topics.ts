import { ErrorCode } from '../../protocol/error-codes.js';
import {
  DeleteTopics,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
} from '../../protocol/messages/20-delete-topics.js';
import { ZERO_UUID } from '../../protocol/wire-reader.js';
import { refused } from '../metadata/refusal.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// DeleteTopics 1–6: by name, from version 6 also by id. The logs go with the topic, parked fetches wake.

type TopicAnswer = DeleteTopicsResponse['responses'][number];

interface Wish {
  readonly name: string | null;
  readonly topicId: string;
}

export function deleteTopicsHandler(parts: BrokerParts) {
  const { metadata, config } = parts;
  return defineHandler<typeof DeleteTopics>({
    api: DeleteTopics,
    minVersion: 1,
    maxVersion: 6,
    async handle(request, { apiVersion }) {
      const wishes = wishesOf(request, apiVersion);
      const isEnabled = config.boolean('delete.topic.enable');
      const code = apiVersion < 3 ? ErrorCode.INVALID_REQUEST : ErrorCode.TOPIC_DELETION_DISABLED;
      const disabled = { errorCode: code, errorMessage: 'delete.topic.enable is false' };
      // Looked at before any is deleted: the second wish for a topic makes both wrong.
      const named = wishes.map((wish) => nameOf(parts, wish));
      const responses = wishes.flatMap((wish, i): TopicAnswer[] => {
        if (!isEnabled) return [{ ...wish, ...disabled }];
        const others = named.map((name, j) => (name === named[i] && name !== undefined ? j : i)).filter((j) => j !== i);
        // One answer says it for all of them.
        if (others.some((j) => j < i)) return [];
        return [deleteTopic(parts, wish, named[i], others.length > 0)];
      });
      await metadata.flush();
      return { throttleTimeMs: 0, responses };
    },
    errorResponse: (request, errorCode, { apiVersion }) => ({
      throttleTimeMs: 0,
      responses: wishesOf(request, apiVersion).map((wish) => ({ ...wish, errorCode })),
    }),
  });
}

function wishesOf({ topics, topicNames }: DeleteTopicsRequest, apiVersion: number): Wish[] {
  return apiVersion >= 6 ? topics : topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
}

function nameOf({ metadata }: BrokerParts, { name, topicId }: Wish): string | undefined {
  return name ?? metadata.topics.byId(topicId)?.name;
}

function deleteTopic({ metadata }: BrokerParts, wish: Wish, name: string | undefined, isTwice: boolean): TopicAnswer {
  if (wish.name !== null && wish.topicId !== ZERO_UUID) {
    return { ...wish, ...refused('INVALID_REQUEST', 'You may not specify both topic name and topic id.') };
  }
  if (wish.name === null && wish.topicId === ZERO_UUID) {
    return { ...wish, ...refused('INVALID_REQUEST', 'a topic is named by its name or by its id: neither is given') };
  }
  if (isTwice) return { ...wish, ...refused('INVALID_REQUEST', `topic '${name}' is named twice in the request`) };
  if (wish.name === null && wish.topicId === ZERO_UUID) {
    return { ...wish, ...refused('INVALID_REQUEST', 'Neither topic name nor id were specified.') };
  }
  if (name === undefined)
    return { ...wish, ...refused('UNKNOWN_TOPIC_ID', 'This server does not host this topic ID.') };
  const topicId = metadata.topics.get(name)?.topicId ?? ZERO_UUID;
  const refusal = metadata.deleteTopic(name);
  return { name, topicId, ...(refusal ?? { errorCode: ErrorCode.NONE, errorMessage: null }) };
}
