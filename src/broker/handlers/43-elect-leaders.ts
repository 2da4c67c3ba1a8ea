import { ErrorCode } from '../../protocol/error-codes.js';
import {
  ElectLeaders,
  type ElectLeadersRequest,
  type ElectLeadersResponse,
} from '../../protocol/messages/43-elect-leaders.js';
import { refused } from '../metadata/refusal.js';
import { type TopicEntry } from '../metadata/topic-registry.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// ElectLeaders 0–2: the one node leads every partition already, so that no election is ever needed. Who asks for all
// partitions hears of none of them; who names one is told why nothing happened.

type Answer = ElectLeadersResponse['replicaElectionResults'];

const PREFERRED = 0;
const UNCLEAN = 1;

export function electLeadersHandler({ metadata }: BrokerParts) {
  return defineHandler<typeof ElectLeaders>({
    api: ElectLeaders,
    minVersion: 0,
    maxVersion: 2,
    handle(request) {
      const { electionType, topicPartitions } = request;
      if (electionType !== PREFERRED && electionType !== UNCLEAN) {
        const refusal = refused('INVALID_REQUEST', `Unknown election type ${electionType}`);
        return respond(
          refusal.errorCode,
          each(request, () => refusal),
        );
      }
      if (topicPartitions === null) {
        const all = [...metadata.topics.all()].map(({ name }) => ({ topic: name, partitionResult: [] }));
        return respond(ErrorCode.NONE, all);
      }
      return respond(
        ErrorCode.NONE,
        each(request, (topic, partition) => refusalOf(topic, metadata.topics.get(topic), partition)),
      );
    },
    errorResponse: (request, errorCode) =>
      respond(
        errorCode,
        each(request, () => ({ errorCode, errorMessage: null })),
      ),
  });
}

function respond(errorCode: number, replicaElectionResults: Answer): ElectLeadersResponse {
  return { throttleTimeMs: 0, errorCode, replicaElectionResults };
}

function each(
  { topicPartitions }: ElectLeadersRequest,
  result: (topic: string, partition: number) => { readonly errorCode: number; readonly errorMessage: string | null },
): Answer {
  return (topicPartitions ?? []).map(({ topic, partitions }) => ({
    topic,
    partitionResult: partitions.map((partitionId) => ({ partitionId, ...result(topic, partitionId) })),
  }));
}

function refusalOf(topic: string, entry: TopicEntry | undefined, partition: number) {
  if (!entry) return refused('UNKNOWN_TOPIC_OR_PARTITION', `No such topic as ${topic}`);
  if (entry.partitions[partition]) {
    return refused('ELECTION_NOT_NEEDED', 'Leader election not needed for topic partition.');
  }
  return refused('UNKNOWN_TOPIC_OR_PARTITION', `No such partition as ${topic}-${partition}`);
}
