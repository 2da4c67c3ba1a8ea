import { coordinatorPartition } from '../../protocol/java-hash.js';
import { type GroupCoordinator } from '../coordinator/group/group-coordinator.js';
import { type TopicLookup } from '../coordinator/group/offset-commit.js';
import { type TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.js';
import { OFFSETS_TOPIC, TRANSACTION_TOPIC } from '../metadata/topic-name.js';
import { type Handler } from '../network/handler.js';
import { type PartitionMarkers } from '../transaction-markers.js';
import { produceHandler } from './00-produce.js';
import { fetchHandler } from './01-fetch.js';
import { listOffsetsHandler } from './02-list-offsets.js';
import { metadataHandler } from './03-metadata.js';
import { offsetCommitHandler } from './08-offset-commit.js';
import { offsetFetchHandler } from './09-offset-fetch.js';
import { findCoordinatorHandler } from './10-find-coordinator.js';
import { joinGroupHandler } from './11-join-group.js';
import { heartbeatHandler } from './12-heartbeat.js';
import { leaveGroupHandler } from './13-leave-group.js';
import { syncGroupHandler } from './14-sync-group.js';
import { describeGroupsHandler } from './15-describe-groups.js';
import { listGroupsHandler } from './16-list-groups.js';
import { apiVersionsHandler } from './18-api-versions.js';
import { createTopicsHandler } from './19-create-topics.js';
import { deleteTopicsHandler } from './20-delete-topics.js';
import { deleteRecordsHandler } from './21-delete-records.js';
import { initProducerIdHandler } from './22-init-producer-id.js';
import { offsetForLeaderEpochHandler } from './23-offset-for-leader-epoch.js';
import { addPartitionsToTxnHandler } from './24-add-partitions-to-txn.js';
import { addOffsetsToTxnHandler } from './25-add-offsets-to-txn.js';
import { endTxnHandler } from './26-end-txn.js';
import { writeTxnMarkersHandler } from './27-write-txn-markers.js';
import { type OffsetsPlace, txnOffsetCommitHandler } from './28-txn-offset-commit.js';
import { describeConfigsHandler } from './32-describe-configs.js';
import { alterConfigsHandler } from './33-alter-configs.js';
import { alterReplicaLogDirsHandler } from './34-alter-replica-log-dirs.js';
import { describeLogDirsHandler } from './35-describe-log-dirs.js';
import { createPartitionsHandler } from './37-create-partitions.js';
import { deleteGroupsHandler } from './42-delete-groups.js';
import { electLeadersHandler } from './43-elect-leaders.js';
import { incrementalAlterConfigsHandler } from './44-incremental-alter-configs.js';
import { alterPartitionReassignmentsHandler } from './45-alter-partition-reassignments.js';
import { listPartitionReassignmentsHandler } from './46-list-partition-reassignments.js';
import { offsetDeleteHandler } from './47-offset-delete.js';
import { describeQuorumHandler } from './55-describe-quorum.js';
import { updateFeaturesHandler } from './57-update-features.js';
import { describeClusterHandler } from './60-describe-cluster.js';
import { describeProducersHandler } from './61-describe-producers.js';
import { unregisterBrokerHandler } from './64-unregister-broker.js';
import { describeTransactionsHandler } from './65-describe-transactions.js';
import { listTransactionsHandler } from './66-list-transactions.js';
import { listConfigResourcesHandler } from './74-list-config-resources.js';
import { describeTopicPartitionsHandler } from './75-describe-topic-partitions.js';
import { type BrokerParts } from './broker-parts.js';

// Everything that is served. An API that is not in this list is not advertised either.

export interface Coordinators {
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly markers: PartitionMarkers;
}

export function allHandlers(parts: BrokerParts, { groups, transactions, markers }: Coordinators): Handler[] {
  const { config, logger, metadata, clock } = parts;
  const { producerIds } = metadata;
  const topics: TopicLookup = { partitionCount: (name) => metadata.topics.get(name)?.partitions.length };
  const offsetsOf: OffsetsPlace = (groupId) => ({
    topic: OFFSETS_TOPIC,
    partition: coordinatorPartition(groupId, metadata.internalPartitions(OFFSETS_TOPIC)),
  });
  const handlers: Handler[] = [
    produceHandler(parts, transactions),
    fetchHandler(parts),
    listOffsetsHandler(parts),
    metadataHandler(parts),
    offsetCommitHandler(groups, metadata.topics),
    offsetFetchHandler(groups, metadata.topics),
    findCoordinatorHandler({
      nodeId: config.nodeId,
      logger,
      ensureOffsetsTopic: () => metadata.ensureInternalTopic(OFFSETS_TOPIC),
      ensureTransactionTopic: () => metadata.ensureInternalTopic(TRANSACTION_TOPIC),
    }),
    joinGroupHandler(groups),
    heartbeatHandler(groups),
    leaveGroupHandler(groups),
    syncGroupHandler(groups),
    describeGroupsHandler(groups),
    listGroupsHandler(groups),
    apiVersionsHandler(parts, () => handlers),
    createTopicsHandler(parts),
    deleteTopicsHandler(parts),
    deleteRecordsHandler(parts),
    initProducerIdHandler({ producerIds, transactions }),
    offsetForLeaderEpochHandler(parts),
    addPartitionsToTxnHandler({ transactions, topics }),
    addOffsetsToTxnHandler(transactions, offsetsOf),
    endTxnHandler(transactions),
    writeTxnMarkersHandler(markers),
    txnOffsetCommitHandler({ groups, transactions, topics, offsetsOf }),
    describeConfigsHandler(parts),
    alterConfigsHandler(parts),
    alterReplicaLogDirsHandler(parts),
    describeLogDirsHandler(parts),
    createPartitionsHandler(parts),
    deleteGroupsHandler(groups),
    electLeadersHandler(parts),
    incrementalAlterConfigsHandler(parts),
    alterPartitionReassignmentsHandler(parts),
    listPartitionReassignmentsHandler(),
    offsetDeleteHandler(groups),
    describeQuorumHandler(parts),
    updateFeaturesHandler(parts),
    describeClusterHandler(parts),
    describeProducersHandler(metadata.topics),
    unregisterBrokerHandler(parts),
    describeTransactionsHandler(transactions),
    listTransactionsHandler(transactions, clock),
    listConfigResourcesHandler(parts),
    describeTopicPartitionsHandler(parts),
  ];
  return handlers;
}
