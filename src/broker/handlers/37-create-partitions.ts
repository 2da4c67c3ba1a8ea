import { ErrorCode } from '../../protocol/error-codes.js';
import { CreatePartitions } from '../../protocol/messages/37-create-partitions.js';
import { refused } from '../metadata/refusal.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// CreatePartitions 0–3: more partitions for topics that exist.

export function createPartitionsHandler({ metadata }: BrokerParts) {
  return defineHandler<typeof CreatePartitions>({
    api: CreatePartitions,
    minVersion: 0,
    maxVersion: 3,
    async handle({ topics, validateOnly }) {
      const results = topics
        .filter(({ name }, i) => topics.findIndex((other) => other.name === name) === i)
        .map((wish) => {
          const { name } = wish;
          const isTwice = topics.filter((other) => other.name === name).length > 1;
          const refusal = isTwice
            ? refused('INVALID_REQUEST', `topic '${name}' is named twice in the request`)
            : metadata.createPartitions(wish, validateOnly);
          return { name, ...(refusal ?? { errorCode: ErrorCode.NONE, errorMessage: null }) };
        });
      await metadata.flush();
      return { throttleTimeMs: 0, results };
    },
    errorResponse: ({ topics }, errorCode) => ({
      throttleTimeMs: 0,
      results: topics.map(({ name }) => ({ name, errorCode, errorMessage: null })),
    }),
  });
}
