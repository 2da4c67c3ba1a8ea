import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i16, i32, i64, str } from '../schema.js';

export const DescribeLogDirs = defineApi({
  key: 35,
  name: 'DescribeLogDirs',
  versions: [1, 5],
  flexibleFrom: 2,
  request: {
    topics: array({
      topic: str,
      partitions: array(i32),
    }).nullable(),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16.since(3),
    results: array({
      errorCode: i16,
      logDir: str,
      topics: array({
        name: str,
        partitions: array({
          partitionIndex: i32,
          partitionSize: i64,
          offsetLag: i64,
          isFutureKey: bool,
        }),
      }),
      totalBytes: i64.or(-1).since(4),
      usableBytes: i64.or(-1).since(4),
      isCordoned: bool.since(5),
    }),
  },
});

export type DescribeLogDirsRequest = RequestOf<typeof DescribeLogDirs>;
export type DescribeLogDirsResponse = ResponseInput<typeof DescribeLogDirs>;
