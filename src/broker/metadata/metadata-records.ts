import {
  array,
  bool,
  bytes,
  type Field,
  type Fields,
  f64,
  type InputOf,
  i8,
  i16,
  i32,
  i64,
  type MessageOf,
  str,
  struct,
  u16,
  uuid,
} from '../../protocol/schema.js';
import { MessageCodec } from '../../protocol/schema-compiler.js';

// The records of `__cluster_metadata-0` as tables, under Kafka's own numbers. Only the record types that Kafka itself
// knows exist here: it refuses to start on any other.

export interface MetadataRecordType<F extends Fields = any> {
  readonly key: number;
  readonly name: string;
  readonly codec: MessageCodec<F>;
}

function define<F extends Fields>(key: number, name: string, fields: F): MetadataRecordType<F> {
  return { key, name, codec: new MessageCodec(`${name} record`, fields, 0) };
}

/** A record as it is read. */
export type RecordOf<T> = T extends MetadataRecordType<infer F> ? MessageOf<F> : never;
/** A record as it is written. */
export type RecordInput<T> = T extends MetadataRecordType<infer F> ? InputOf<F> : never;

const endPoints = array({ name: str, host: str, port: u16, securityProtocol: i16 });
const features = array({ name: str, minSupportedVersion: i16, maxSupportedVersion: i16 });
const absent = <O, I>(field: Field<O, I, boolean>, tag: number) => field.nullable().tag(tag);

export const RegisterBroker = define(0, 'RegisterBroker', {
  brokerId: i32,
  isMigratingZkBroker: bool.since(2),
  incarnationId: uuid,
  brokerEpoch: i64,
  endPoints,
  features,
  rack: str.nullable(),
  fenced: bool.or(true),
  inControlledShutdown: bool.since(1),
  logDirs: array(uuid).since(3).tag(0),
  cordonedLogDirs: absent(array(uuid), 1).since(4),
});

export const UnregisterBroker = define(1, 'UnregisterBroker', { brokerId: i32, brokerEpoch: i64 });

export const Topic = define(2, 'Topic', { name: str, topicId: uuid });

export const Partition = define(3, 'Partition', {
  partitionId: i32,
  topicId: uuid,
  replicas: array(i32),
  isr: array(i32),
  removingReplicas: array(i32),
  addingReplicas: array(i32),
  leader: i32,
  leaderEpoch: i32,
  partitionEpoch: i32,
  directories: array(uuid).since(1),
  leaderRecoveryState: i8.tag(0),
  eligibleLeaderReplicas: absent(array(i32), 1).since(2),
  lastKnownElr: absent(array(i32), 2).since(2),
});

export const Config = define(4, 'Config', {
  resourceType: i8,
  resourceName: str,
  name: str,
  value: str.nullable(),
});

/** "The leader stays as it is"; -1 is "there is none". */
export const SAME_LEADER = -2;
/** "The recovery state stays as it is". */
export const SAME_RECOVERY = -1;

export const PartitionChange = define(5, 'PartitionChange', {
  partitionId: i32,
  topicId: uuid,
  isr: absent(array(i32), 0),
  leader: i32.or(SAME_LEADER).tag(1),
  replicas: absent(array(i32), 2),
  removingReplicas: absent(array(i32), 3),
  addingReplicas: absent(array(i32), 4),
  leaderRecoveryState: i8.or(SAME_RECOVERY).tag(5),
  eligibleLeaderReplicas: absent(array(i32), 6),
  lastKnownElr: absent(array(i32), 7),
  directories: absent(array(uuid), 8),
});

export const FenceBroker = define(7, 'FenceBroker', { id: i32, epoch: i64 });
export const UnfenceBroker = define(8, 'UnfenceBroker', { id: i32, epoch: i64 });
export const RemoveTopic = define(9, 'RemoveTopic', { topicId: uuid });

export const DelegationToken = define(10, 'DelegationToken', {
  owner: str,
  requester: str,
  renewers: array(str),
  issueTimestamp: i64,
  maxTimestamp: i64,
  expirationTimestamp: i64,
  tokenId: str,
});

export const UserScramCredential = define(11, 'UserScramCredential', {
  name: str,
  mechanism: i8,
  salt: bytes,
  storedKey: bytes,
  serverKey: bytes,
  iterations: i32,
});

export const FeatureLevel = define(12, 'FeatureLevel', { name: str, featureLevel: i16 });

export const ClientQuota = define(14, 'ClientQuota', {
  entity: array({ entityType: str, entityName: str.nullable() }),
  key: str,
  value: f64,
  remove: bool,
});

export const ProducerIds = define(15, 'ProducerIds', { brokerId: i32, brokerEpoch: i64, nextProducerId: i64 });

/** Kafka's numbers for a change of the fenced flag; 0 leaves it. */
export const FencedChange = { UNFENCE: -1, NONE: 0, FENCE: 1 } as const;

export const BrokerRegistrationChange = define(17, 'BrokerRegistrationChange', {
  brokerId: i32,
  brokerEpoch: i64,
  fenced: i8.tag(0),
  inControlledShutdown: i8.since(1).tag(1),
  logDirs: array(uuid).since(2).tag(2),
  cordonedLogDirs: absent(array(uuid), 3).since(3),
});

export const AccessControlEntry = define(18, 'AccessControlEntry', {
  id: uuid,
  resourceType: i8,
  resourceName: str,
  patternType: i8,
  principal: str,
  host: str,
  operation: i8,
  permissionType: i8,
});

export const RemoveAccessControlEntry = define(19, 'RemoveAccessControlEntry', { id: uuid });
export const NoOp = define(20, 'NoOp', {});
export const ZkMigrationState = define(21, 'ZkMigrationState', { zkMigrationState: i8 });
export const RemoveUserScramCredential = define(22, 'RemoveUserScramCredential', { name: str, mechanism: i8 });
export const BeginTransaction = define(23, 'BeginTransaction', { name: absent(str, 0) });
export const EndTransaction = define(24, 'EndTransaction', {});
export const AbortTransaction = define(25, 'AbortTransaction', { reason: absent(str, 0) });
export const RemoveDelegationToken = define(26, 'RemoveDelegationToken', { tokenId: str });

export const RegisterController = define(27, 'RegisterController', {
  controllerId: i32,
  incarnationId: uuid,
  zkMigrationReady: bool,
  endPoints,
  features,
});

export const ClearElr = define(28, 'ClearElr', { topicName: str });

const voters = array({ voterId: i32, voterDirectoryId: uuid.since(1) });

/** Control record (type 2) with which every epoch begins. */
export const LeaderChange = define(2, 'LeaderChange', {
  version: i16,
  leaderId: i32,
  voters,
  grantingVoters: voters,
});

/** Control record (type 3): the head of a snapshot. */
export const SnapshotHeader = define(3, 'SnapshotHeader', { version: i16, lastContainedLogTimestamp: i64 });

/** Control record (type 4): the end of a snapshot. */
export const SnapshotFooter = define(4, 'SnapshotFooter', { version: i16 });

/** Control record (type 5): level of the quorum's own protocol. */
export const KRaftVersion = define(5, 'KRaftVersion', { version: i16, kRaftVersion: i16 });

/** Control record (type 6): the voters, when they are not configured. */
export const KRaftVoters = define(6, 'KRaftVoters', {
  version: i16,
  voters: array({
    voterId: i32,
    voterDirectoryId: uuid,
    endpoints: array({ name: str, host: str, port: u16 }),
    kRaftVersionFeature: struct({ minSupportedVersion: i16, maxSupportedVersion: i16 }),
  }),
});

/** Every type of data record, by its number. */
export const METADATA_RECORDS: ReadonlyMap<number, MetadataRecordType> = new Map(
  [
    RegisterBroker,
    UnregisterBroker,
    Topic,
    Partition,
    Config,
    PartitionChange,
    FenceBroker,
    UnfenceBroker,
    RemoveTopic,
    DelegationToken,
    UserScramCredential,
    FeatureLevel,
    ClientQuota,
    ProducerIds,
    BrokerRegistrationChange,
    AccessControlEntry,
    RemoveAccessControlEntry,
    NoOp,
    ZkMigrationState,
    RemoveUserScramCredential,
    BeginTransaction,
    EndTransaction,
    AbortTransaction,
    RemoveDelegationToken,
    RegisterController,
    ClearElr,
  ].map((type) => [type.key, type as MetadataRecordType]),
);
