import { NestdawError } from '../common/errors.js';

// Every error code of the protocol: number, whether a client tries again, whether it must refresh its metadata
// first, and what the code says. Flags: r = retriable, m = refresh metadata.

type Flags = '' | 'r' | 'm' | 'rm';

const ERRORS = {
  UNKNOWN_SERVER_ERROR: [-1, '', 'the broker met an error it has no code for; see its log'],
  NONE: [0, '', 'no error'],
  OFFSET_OUT_OF_RANGE: [1, '', 'the partition does not hold that offset (any more)'],
  CORRUPT_MESSAGE: [2, 'r', 'a batch failed its checksum or is not valid'],
  UNKNOWN_TOPIC_OR_PARTITION: [3, 'rm', 'the broker has no such topic or partition'],
  INVALID_FETCH_SIZE: [4, '', 'the fetch size is not valid'],
  LEADER_NOT_AVAILABLE: [5, 'rm', 'the partition has no leader at the moment'],
  NOT_LEADER_OR_FOLLOWER: [6, 'rm', 'this broker does not hold the partition'],
  REQUEST_TIMED_OUT: [7, 'r', 'the broker did not finish within the time-out of the request'],
  BROKER_NOT_AVAILABLE: [8, '', 'the broker is not available'],
  REPLICA_NOT_AVAILABLE: [9, 'rm', 'the replica is not available'],
  MESSAGE_TOO_LARGE: [10, '', 'a batch is larger than max.message.bytes of the topic'],
  STALE_CONTROLLER_EPOCH: [11, '', 'the controller moved on'],
  OFFSET_METADATA_TOO_LARGE: [12, '', 'the metadata of a commit is longer than offset.metadata.max.bytes'],
  NETWORK_EXCEPTION: [13, 'rm', 'the broker lost a connection'],
  COORDINATOR_LOAD_IN_PROGRESS: [14, 'r', 'the coordinator is still loading'],
  COORDINATOR_NOT_AVAILABLE: [15, 'r', 'there is no coordinator at the moment'],
  NOT_COORDINATOR: [16, 'r', 'this broker is not the coordinator'],
  INVALID_TOPIC_EXCEPTION: [17, '', 'the name is not allowed for a topic, or the topic is internal'],
  RECORD_LIST_TOO_LARGE: [18, '', 'the batch is larger than a segment'],
  NOT_ENOUGH_REPLICAS: [19, 'r', 'fewer replicas in sync than min.insync.replicas'],
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: [20, 'r', 'written, but to fewer replicas than min.insync.replicas'],
  INVALID_REQUIRED_ACKS: [21, '', 'acks must be 0, 1 or -1'],
  ILLEGAL_GENERATION: [22, '', 'the group has moved to another generation'],
  INCONSISTENT_GROUP_PROTOCOL: [23, '', 'no assignment strategy is shared with the other members of the group'],
  INVALID_GROUP_ID: [24, '', 'the group id is not valid'],
  UNKNOWN_MEMBER_ID: [25, '', 'the group does not know this member (any more)'],
  INVALID_SESSION_TIMEOUT: [26, '', 'the session time-out is outside what the broker allows'],
  REBALANCE_IN_PROGRESS: [27, '', 'the group is rebalancing: rejoin'],
  INVALID_COMMIT_OFFSET_SIZE: [28, '', 'the commit is too large'],
  TOPIC_AUTHORIZATION_FAILED: [29, '', 'not authorized for the topic'],
  GROUP_AUTHORIZATION_FAILED: [30, '', 'not authorized for the group'],
  CLUSTER_AUTHORIZATION_FAILED: [31, '', 'not authorized for the cluster'],
  INVALID_TIMESTAMP: [32, '', 'the timestamp of a record is outside what the topic allows'],
  UNSUPPORTED_SASL_MECHANISM: [33, '', 'the broker does not offer that SASL mechanism'],
  ILLEGAL_SASL_STATE: [34, '', 'the request does not fit the state of the authentication'],
  UNSUPPORTED_VERSION: [35, '', 'the broker does not serve that version of the request'],
  TOPIC_ALREADY_EXISTS: [36, '', 'there is a topic of that name'],
  INVALID_PARTITIONS: [37, '', 'the number of partitions is not valid'],
  INVALID_REPLICATION_FACTOR: [38, '', 'the replication factor is below 1 or above the number of brokers'],
  INVALID_REPLICA_ASSIGNMENT: [39, '', 'the replica assignment is not valid'],
  INVALID_CONFIG: [40, '', 'the configuration is not valid'],
  NOT_CONTROLLER: [41, 'rm', 'this broker is not the controller'],
  INVALID_REQUEST: [42, '', 'the request is well formed but makes no sense'],
  UNSUPPORTED_FOR_MESSAGE_FORMAT: [43, '', 'the message format of the topic does not support it'],
  POLICY_VIOLATION: [44, '', 'a policy of the broker forbids it'],
  OUT_OF_ORDER_SEQUENCE_NUMBER: [45, '', 'a batch of this producer is missing before this one'],
  DUPLICATE_SEQUENCE_NUMBER: [46, '', 'the batch was written before'],
  INVALID_PRODUCER_EPOCH: [47, '', 'a newer instance of this producer has taken over'],
  INVALID_TXN_STATE: [48, '', 'the transaction is not in a state that allows it'],
  INVALID_PRODUCER_ID_MAPPING: [49, '', 'the producer id does not belong to the transactional id'],
  INVALID_TRANSACTION_TIMEOUT: [50, '', 'the transaction time-out is above transaction.max.timeout.ms'],
  CONCURRENT_TRANSACTIONS: [51, 'r', 'the previous transaction is still being completed'],
  TRANSACTION_COORDINATOR_FENCED: [52, '', 'the transaction coordinator has been replaced'],
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: [53, '', 'not authorized for the transactional id'],
  SECURITY_DISABLED: [54, '', 'the broker has no authorizer'],
  OPERATION_NOT_ATTEMPTED: [55, '', 'not attempted, because another part of the request failed'],
  KAFKA_STORAGE_ERROR: [56, 'rm', 'the broker could not read or write its disk'],
  LOG_DIR_NOT_FOUND: [57, '', 'the broker has no such log directory'],
  SASL_AUTHENTICATION_FAILED: [58, '', 'authentication failed: check user, password and mechanism'],
  UNKNOWN_PRODUCER_ID: [59, '', 'the broker has forgotten this producer'],
  REASSIGNMENT_IN_PROGRESS: [60, '', 'a reassignment of the partition is running'],
  DELEGATION_TOKEN_AUTH_DISABLED: [61, '', 'delegation tokens are not enabled'],
  DELEGATION_TOKEN_NOT_FOUND: [62, '', 'no such delegation token'],
  DELEGATION_TOKEN_OWNER_MISMATCH: [63, '', 'the delegation token belongs to somebody else'],
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: [64, '', 'delegation token requests are not allowed on this connection'],
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: [65, '', 'not authorized for the delegation token'],
  DELEGATION_TOKEN_EXPIRED: [66, '', 'the delegation token has expired'],
  INVALID_PRINCIPAL_TYPE: [67, '', 'the type of the principal is not supported'],
  NON_EMPTY_GROUP: [68, '', 'the group has members: stop them first'],
  GROUP_ID_NOT_FOUND: [69, '', 'no such group'],
  FETCH_SESSION_ID_NOT_FOUND: [70, 'r', 'the fetch session has ended'],
  INVALID_FETCH_SESSION_EPOCH: [71, 'r', 'the epoch of the fetch session is not the next one'],
  LISTENER_NOT_FOUND: [72, 'rm', 'the leader has no listener of that name'],
  TOPIC_DELETION_DISABLED: [73, '', 'delete.topic.enable is false'],
  FENCED_LEADER_EPOCH: [74, 'rm', 'the leader epoch of the request is older than the partition'],
  UNKNOWN_LEADER_EPOCH: [75, 'rm', 'the leader epoch of the request is newer than the broker knows'],
  UNSUPPORTED_COMPRESSION_TYPE: [76, '', 'the broker does not support the compression of the batch'],
  STALE_BROKER_EPOCH: [77, '', 'the epoch of the broker has changed'],
  OFFSET_NOT_AVAILABLE: [78, 'rm', 'the new leader does not know its high watermark yet'],
  MEMBER_ID_REQUIRED: [79, '', 'join again with the member id of the answer'],
  PREFERRED_LEADER_NOT_AVAILABLE: [80, 'rm', 'the preferred leader is not available'],
  GROUP_MAX_SIZE_REACHED: [81, '', 'the group is full'],
  FENCED_INSTANCE_ID: [82, '', 'another member uses the same group.instance.id'],
  ELIGIBLE_LEADERS_NOT_AVAILABLE: [83, 'rm', 'no eligible leader is available'],
  ELECTION_NOT_NEEDED: [84, 'rm', 'the partition has that leader already'],
  NO_REASSIGNMENT_IN_PROGRESS: [85, '', 'no reassignment of the partition is running'],
  GROUP_SUBSCRIBED_TO_TOPIC: [86, '', 'the group is subscribed to the topic: stop its members first'],
  INVALID_RECORD: [87, '', 'a record failed the validation of the broker'],
  UNSTABLE_OFFSET_COMMIT: [88, 'r', 'an open transaction holds offsets of the partition'],
  THROTTLING_QUOTA_EXCEEDED: [89, 'r', 'the quota is used up'],
  PRODUCER_FENCED: [90, '', 'a newer producer with the same transactional id has taken over'],
  RESOURCE_NOT_FOUND: [91, '', 'no such resource'],
  DUPLICATE_RESOURCE: [92, '', 'a resource is named twice'],
  UNACCEPTABLE_CREDENTIAL: [93, '', 'the credential does not meet the requirements'],
  INCONSISTENT_VOTER_SET: [94, '', 'the voter sets differ'],
  INVALID_UPDATE_VERSION: [95, '', 'the update is based on an older version'],
  FEATURE_UPDATE_FAILED: [96, '', 'the features could not be updated'],
  PRINCIPAL_DESERIALIZATION_FAILURE: [97, '', 'the forwarded principal could not be read'],
  SNAPSHOT_NOT_FOUND: [98, '', 'no such snapshot'],
  POSITION_OUT_OF_RANGE: [99, '', 'the position is beyond the snapshot'],
  UNKNOWN_TOPIC_ID: [100, 'rm', 'the broker has no topic with that id'],
  DUPLICATE_BROKER_REGISTRATION: [101, '', 'a broker with that id is registered'],
  BROKER_ID_NOT_REGISTERED: [102, '', 'no broker with that id is registered'],
  INCONSISTENT_TOPIC_ID: [103, 'rm', 'the id of the topic in the log differs'],
  INCONSISTENT_CLUSTER_ID: [104, '', 'the broker belongs to another cluster'],
  TRANSACTIONAL_ID_NOT_FOUND: [105, '', 'no such transactional id'],
  FETCH_SESSION_TOPIC_ID_ERROR: [106, 'rm', 'the fetch session uses topic ids in another way'],
  INELIGIBLE_REPLICA: [107, '', 'the replica may not join the replicas in sync'],
  NEW_LEADER_ELECTED: [108, '', 'the partition has a new leader'],
  OFFSET_MOVED_TO_TIERED_STORAGE: [109, '', 'the offset is in tiered storage'],
  FENCED_MEMBER_EPOCH: [110, '', 'the epoch of the member is too old: join again'],
  UNRELEASED_INSTANCE_ID: [111, '', 'another member still holds the group.instance.id'],
  UNSUPPORTED_ASSIGNOR: [112, '', 'the broker does not offer that assignor'],
  STALE_MEMBER_EPOCH: [113, '', 'the epoch of the member is behind the one the broker knows'],
  MISMATCHED_ENDPOINT_TYPE: [114, '', 'the request went to the wrong kind of endpoint'],
  UNSUPPORTED_ENDPOINT_TYPE: [115, '', 'the endpoint type is not supported'],
  UNKNOWN_CONTROLLER_ID: [116, '', 'no controller with that id'],
  UNKNOWN_SUBSCRIPTION_ID: [117, '', 'the telemetry subscription has changed'],
  TELEMETRY_TOO_LARGE: [118, '', 'the telemetry is too large'],
  INVALID_REGISTRATION: [119, '', 'the registration of the broker is not valid'],
  TRANSACTION_ABORTABLE: [120, '', 'the transaction must be aborted and can then be repeated'],
  INVALID_RECORD_STATE: [121, '', 'the record is not acquired by this member'],
  SHARE_SESSION_NOT_FOUND: [122, 'r', 'the share session has ended'],
  INVALID_SHARE_SESSION_EPOCH: [123, 'r', 'the epoch of the share session is not the next one'],
  FENCED_STATE_EPOCH: [124, '', 'the state epoch is too old'],
  INVALID_VOTER_KEY: [125, '', 'the key of the voter does not match'],
  DUPLICATE_VOTER: [126, '', 'the voter is in the set already'],
  VOTER_NOT_FOUND: [127, '', 'no such voter'],
  INVALID_REGULAR_EXPRESSION: [128, '', 'the regular expression is not valid'],
  REBOOTSTRAP_REQUIRED: [129, 'm', 'the client must start again from its bootstrap servers'],
  STREAMS_INVALID_TOPOLOGY: [130, '', 'the topology is not valid'],
  STREAMS_INVALID_TOPOLOGY_EPOCH: [131, '', 'the epoch of the topology is not valid'],
  STREAMS_TOPOLOGY_FENCED: [132, '', 'the topology is out of date'],
  SHARE_SESSION_LIMIT_REACHED: [133, 'r', 'the broker holds as many share sessions as it may'],
} as const satisfies Record<string, readonly [code: number, flags: Flags, text: string]>;

export type ErrorName = keyof typeof ERRORS;

/** The number of each error, by name. */
export const ErrorCode = Object.freeze(
  Object.fromEntries(Object.entries(ERRORS).map(([name, [code]]) => [name, code])),
) as { readonly [K in ErrorName]: (typeof ERRORS)[K][0] };

export interface ErrorInfo {
  readonly code: number;
  readonly name: ErrorName;
  /** Whether the same request may succeed later. */
  readonly retriable: boolean;
  /** Whether a client must look up leaders (or the controller) anew before it goes on. */
  readonly refreshMetadata: boolean;
  readonly message: string;
}

const BY_CODE: ReadonlyMap<number, ErrorInfo> = new Map(
  Object.entries(ERRORS).map(([name, [code, flags, message]]) => {
    const retriable = flags.includes('r');
    return [code, { code, name: name as ErrorName, retriable, refreshMetadata: flags.includes('m'), message }];
  }),
);

/** What is known about a code; undefined for codes that are newer than this table. */
export function errorInfo(code: number): ErrorInfo | undefined {
  return BY_CODE.get(code);
}

/** Name of a code, `ERROR_<n>` when it is newer than this table. */
export function errorName(code: number): string {
  return BY_CODE.get(code)?.name ?? `ERROR_${code}`;
}

export function isRetriable(code: number): boolean {
  return BY_CODE.get(code)?.retriable ?? false;
}

/** Whether a client must look up leaders (or the controller) anew before it goes on. */
export function needsMetadataRefresh(code: number): boolean {
  return BY_CODE.get(code)?.refreshMetadata ?? false;
}

/** The broker answered with an error code. */
export class BrokerError extends NestdawError {
  readonly errorName: string;

  constructor(
    readonly errorCode: number,
    message: string,
  ) {
    super('KAFKA_PROTOCOL_ERROR', message, { retriable: isRetriable(errorCode) });
    this.errorName = errorName(errorCode);
  }
}

/** The error for a code; `context` says what was asked: 'commit of group billing'. */
export function brokerError(code: number, context: string): BrokerError {
  const text = BY_CODE.get(code)?.message ?? 'an error code that this version of the client does not know';
  return new BrokerError(code, `${context}: ${errorName(code)} (${code}), ${text}`);
}
