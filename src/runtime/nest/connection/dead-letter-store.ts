import { listTopics } from '../../client/topic-list.js';
import { type DeadLetterStore } from '../../dead-letters/dead-letters.js';
import { type KafkaConnection } from './kafka-connection.js';

/** The cluster of a connection as dead letters see it. */
export function deadLetterStore(connection: KafkaConnection): DeadLetterStore {
  const { logs } = connection;
  return {
    topics: () => logs.withCluster(listTopics),
    readLogs: (ranges, visit) => logs.readLogs(ranges, visit),
    send: (topic, partition, record) => connection.sendRecord(topic, partition, record),
    makeLedger: (name) => logs.makeTopics([{ name, partitions: 1, configs: { 'cleanup.policy': 'compact' } }]),
  };
}
