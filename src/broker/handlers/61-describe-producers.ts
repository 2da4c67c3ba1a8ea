import { ErrorCode } from '../../protocol/error-codes.js';
import { DescribeProducers, type DescribeProducersResponse } from '../../protocol/messages/61-describe-producers.js';
import { type ProducerState } from '../log/producers/producer-state.js';
import { type TopicRegistry } from '../metadata/topic-registry.js';
import { defineHandler } from '../network/handler.js';

// DescribeProducers 0: what a partition knows of the producers that write to it with an id (KIP-664).

type PartitionAnswer = DescribeProducersResponse['topics'][number]['partitions'][number];

export const describeProducersHandler = (topics: Pick<TopicRegistry, 'log'>) =>
  defineHandler<typeof DescribeProducers>({
    api: DescribeProducers,
    minVersion: 0,
    maxVersion: 0,
    handle: ({ topics: asked }) => ({
      throttleTimeMs: 0,
      topics: asked.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partition) => describe(topics, name, partition)),
      })),
    }),
    errorResponse: ({ topics: asked }, errorCode) => ({
      throttleTimeMs: 0,
      topics: asked.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partition) => answer(partition, errorCode, [])),
      })),
    }),
  });

function describe(topics: Pick<TopicRegistry, 'log'>, topic: string, partition: number): PartitionAnswer {
  const log = topics.log(topic, partition);
  if (!log) return answer(partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, []);
  if (log.isUnserved) return answer(partition, ErrorCode.KAFKA_STORAGE_ERROR, []);
  return answer(partition, ErrorCode.NONE, log.producers());
}

function answer(partitionIndex: number, errorCode: number, producers: Iterable<ProducerState>): PartitionAnswer {
  const activeProducers = Array.from(producers, (state) => ({
    producerId: state.producerId,
    producerEpoch: state.epoch,
    lastSequence: state.batches.at(-1)?.lastSequence ?? -1,
    lastTimestamp: state.lastTimestamp,
    coordinatorEpoch: state.coordinatorEpoch,
    currentTxnStartOffset: state.currentTxnFirstOffset,
  }));
  return { partitionIndex, errorCode, errorMessage: null, activeProducers };
}
