import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i8, i16, i32, i64, i64Exact, records, str, struct, uuid } from '../schema.js';

export const Fetch = defineApi({
  key: 1,
  name: 'Fetch',
  versions: [4, 18],
  flexibleFrom: 12,
  request: {
    clusterId: str.nullable().since(12).tag(0),
    replicaId: i32.or(-1).until(14),
    replicaState: struct({
      replicaId: i32.or(-1),
      replicaEpoch: i64.or(-1),
    })
      .since(15)
      .tag(1),
    maxWaitMs: i32,
    minBytes: i32,
    maxBytes: i32.or(0x7fffffff),
    isolationLevel: i8,
    sessionId: i32.since(7),
    sessionEpoch: i32.or(-1).since(7),
    topics: array({
      topic: str.until(12),
      topicId: uuid.since(13),
      partitions: array({
        partition: i32,
        currentLeaderEpoch: i32.or(-1).since(9),
        fetchOffset: i64,
        lastFetchedEpoch: i32.or(-1).since(12),
        logStartOffset: i64.or(-1).since(5),
        partitionMaxBytes: i32,
        replicaDirectoryId: uuid.since(17).tag(0),
        highWatermark: i64.or(Number.MAX_SAFE_INTEGER).since(18).tag(1),
      }),
    }),
    forgottenTopicsData: array({
      topic: str.until(12),
      topicId: uuid.since(13),
      partitions: array(i32),
    }).since(7),
    rackId: str.since(11),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16.since(7),
    sessionId: i32.since(7),
    responses: array({
      topic: str.until(12),
      topicId: uuid.since(13),
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
        highWatermark: i64,
        lastStableOffset: i64.or(-1),
        logStartOffset: i64.or(-1).since(5),
        divergingEpoch: struct({
          epoch: i32.or(-1),
          endOffset: i64.or(-1),
        })
          .since(12)
          .tag(0),
        currentLeader: struct({
          leaderId: i32.or(-1),
          leaderEpoch: i32.or(-1),
        })
          .since(12)
          .tag(1),
        snapshotId: struct({
          endOffset: i64.or(-1),
          epoch: i32.or(-1),
        })
          .since(12)
          .tag(2),
        abortedTransactions: array({
          producerId: i64Exact,
          firstOffset: i64,
        }).nullable(),
        preferredReadReplica: i32.or(-1).since(11),
        records: records.nullable(),
      }),
    }),
    nodeEndpoints: array({
      nodeId: i32,
      host: str,
      port: i32,
      rack: str.nullable(),
    })
      .since(16)
      .tag(0),
  },
});

export type FetchRequest = RequestOf<typeof Fetch>;
export type FetchResponse = ResponseInput<typeof Fetch>;
