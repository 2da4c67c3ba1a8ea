import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { type KafkaRecord } from '../../src/common/record.js';
import { type Api, type RequestInput } from '../../src/protocol/api.js';
import { requestBody } from '../../src/protocol/frame.js';
import * as messages from '../../src/protocol/messages/index.js';
import { decodeBatch, encodeControlBatch, encodeRecords, verifyCrc } from '../../src/protocol/record-batch.js';
import { setBaseOffset } from '../../src/protocol/record-batch-header.js';
import { WireReader } from '../../src/protocol/wire-reader.js';

// A second opinion on the bytes: kafkajs encodes what we decode and decodes what we encode.

const require = createRequire(import.meta.url);
const protocol = (path: string) => require(`kafkajs/src/protocol/${path}`);
const Decoder = protocol('decoder');
const T = 1_700_000_000_000;

describe('record batches', () => {
  const records = Array.from({ length: 300 }, (_, i) => ({
    key: i % 5 === 0 ? null : Buffer.from(`key-${i}`),
    value: i % 7 === 0 ? null : Buffer.from('x'.repeat(i)),
    headers: i % 3 === 0 ? [{ key: 'trace', value: Buffer.from(`${i}`) }] : [],
    timestamp: T + ((i * 37) % 100),
  }));

  it.each(['none', 'gzip'] as const)('of ours are read by kafkajs (%s)', async (compression) => {
    const batch = encodeRecords(records, {
      timestamp: 0,
      compression,
      producerId: 5n,
      producerEpoch: 1,
      baseSequence: 9,
    });
    setBaseOffset(batch, 0, 1000);
    const decoded = await protocol('recordBatch/v0/decoder')(new Decoder(batch));
    expect(decoded).toMatchObject({ firstOffset: '1000', producerId: '5', producerEpoch: 1, firstSequence: 9 });
    expect(decoded.records).toHaveLength(300);
    for (const [i, record] of decoded.records.entries()) {
      const { key, value, headers, timestamp } = records[i]!;
      expect(record).toMatchObject({ offset: `${1000 + i}`, timestamp: `${timestamp}`, key, value });
      expect(record.headers).toEqual(Object.fromEntries(headers.map((header) => [header.key, header.value])));
    }
  });

  it('with an end of transaction are recognised by kafkajs', async () => {
    const options = { producerId: 5n, producerEpoch: 1, coordinatorEpoch: 0, timestamp: T };
    const batch = encodeControlBatch({ type: 'abort', ...options });
    const decoded = await protocol('recordBatch/v0/decoder')(new Decoder(batch));
    expect(decoded).toMatchObject({ isControlBatch: true, inTransaction: true });
    expect(decoded.records[0].key.toString('hex')).toBe('00000000');
  });

  it.each([
    ['none', 0],
    ['gzip', 1],
  ])('of kafkajs are read by us (%s)', async (_name, compression) => {
    const messagesOfKafkajs = records.map(({ headers, ...record }) => ({
      ...record,
      headers: Object.fromEntries(headers.map((header) => [header.key, header.value])),
    }));
    const request = protocol('requests/produce/v7/request')({
      acks: -1,
      timeout: 1000,
      compression,
      topicData: [{ topic: 'orders', partitions: [{ partition: 2, firstSequence: 0, messages: messagesOfKafkajs }] }],
    });
    const { buffer } = await request.encode();
    const { topicData } = messages.Produce.request.decode(new WireReader(buffer), 7);
    const batch = topicData[0]!.partitionData[0]!.records!;
    expect(verifyCrc(batch)).toBe(true);
    const out: KafkaRecord[] = [];
    decodeBatch('orders', 2, batch, 0, batch.length, 0, out);
    expect(out.map(({ key, value, headers, timestamp }) => ({ key, value, headers, timestamp }))).toEqual(records);
  });
});

describe('requests are, byte for byte, those of kafkajs', () => {
  const topics = [
    { topic: 'orders', partitions: [{ partition: 3, offset: 12, metadata: 'm', fetchOffset: 7, maxBytes: 99 }] },
  ];
  const cases: Array<[string, number, Api, object, RequestInput<Api>]> = [
    [
      'metadata',
      6,
      messages.Metadata,
      { topics: ['orders'], allowAutoTopicCreation: false },
      { topics: [{ name: 'orders' }], allowAutoTopicCreation: false },
    ],
    [
      'fetch',
      11,
      messages.Fetch,
      { replicaId: -1, maxWaitTime: 500, minBytes: 1, maxBytes: 1000, isolationLevel: 1, topics, rackId: 'r' },
      {
        maxWaitMs: 500,
        minBytes: 1,
        maxBytes: 1000,
        isolationLevel: 1,
        topics: [{ topic: 'orders', partitions: [{ partition: 3, fetchOffset: 7, partitionMaxBytes: 99 }] }],
        rackId: 'r',
      },
    ],
    [
      'listOffsets',
      3,
      messages.ListOffsets,
      {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ topic: 'orders', partitions: [{ partition: 1, timestamp: -2 }] }],
      },
      {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: 'orders', partitions: [{ partitionIndex: 1, timestamp: -2 }] }],
      },
    ],
    [
      'offsetCommit',
      5,
      messages.OffsetCommit,
      { groupId: 'g', groupGenerationId: 4, memberId: 'm', topics },
      {
        groupId: 'g',
        generationIdOrMemberEpoch: 4,
        memberId: 'm',
        topics: [{ name: 'orders', partitions: [{ partitionIndex: 3, committedOffset: 12, committedMetadata: 'm' }] }],
      },
    ],
    [
      'offsetFetch',
      4,
      messages.OffsetFetch,
      { groupId: 'g', topics: [{ topic: 'orders', partitions: [{ partition: 0 }, { partition: 1 }] }] },
      { groupId: 'g', topics: [{ name: 'orders', partitionIndexes: [0, 1] }] },
    ],
    [
      'joinGroup',
      5,
      messages.JoinGroup,
      {
        groupId: 'g',
        sessionTimeout: 10,
        rebalanceTimeout: 20,
        memberId: '',
        groupInstanceId: 'i',
        protocolType: 'consumer',
        groupProtocols: [{ name: 'range', metadata: Buffer.from('x') }],
      },
      {
        groupId: 'g',
        sessionTimeoutMs: 10,
        rebalanceTimeoutMs: 20,
        memberId: '',
        groupInstanceId: 'i',
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.from('x') }],
      },
    ],
    [
      'alterPartitionReassignments',
      0,
      messages.AlterPartitionReassignments,
      { timeout: 5, topics: [{ topic: 'orders', partitionAssignment: [{ partition: 0, replicas: [1] }] }] },
      { timeoutMs: 5, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, replicas: [1] }] }] },
    ],
  ];

  it.each(cases)('%s v%d', async (name, version, api, theirs, ours) => {
    const { buffer } = await protocol(`requests/${name}/v${version}/request`)(theirs).encode();
    expect(Buffer.concat(requestBody(api, version, ours)).toString('hex')).toBe(buffer.toString('hex'));
  });
});

describe('responses of ours are read by kafkajs', () => {
  it('produce v7', async () => {
    const bytes = messages.Produce.response.toBuffer(7, {
      responses: [
        { name: 'orders', partitionResponses: [{ index: 1, errorCode: 0, baseOffset: 88, logStartOffset: 3 }] },
      ],
      throttleTimeMs: 0,
    });
    expect(await protocol('requests/produce/v7/response').decode(bytes)).toMatchObject({
      topics: [
        { topicName: 'orders', partitions: [{ partition: 1, errorCode: 0, baseOffset: '88', logStartOffset: '3' }] },
      ],
    });
  });

  it('fetch v11, several batches in a partition', async () => {
    const batches = [0, 2].map((base) => {
      const batch = encodeRecords(
        [
          { key: null, value: Buffer.from('a') },
          { key: null, value: Buffer.from('b') },
        ],
        {
          timestamp: T,
        },
      );
      setBaseOffset(batch, 0, base);
      return batch;
    });
    const bytes = messages.Fetch.response.toBuffer(11, {
      throttleTimeMs: 0,
      responses: [
        { topic: 'orders', partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 4, records: batches }] },
      ],
    });
    const { responses } = await protocol('requests/fetch/v11/response').decode(bytes);
    const [partition] = responses[0].partitions;
    expect(partition).toMatchObject({ partition: 0, highWatermark: '4', lastStableOffset: '-1' });
    expect(partition.messages.map(({ offset }: { offset: string }) => offset)).toEqual(['0', '1', '2', '3']);
  });

  it('metadata v6', async () => {
    const bytes = messages.Metadata.response.toBuffer(6, {
      brokers: [{ nodeId: 1, host: 'localhost', port: 9092 }],
      clusterId: 'c',
      controllerId: 1,
      topics: [
        {
          errorCode: 0,
          name: 'orders',
          partitions: [{ errorCode: 0, partitionIndex: 0, leaderId: 1, replicaNodes: [1], isrNodes: [1] }],
        },
      ],
    });
    expect(await protocol('requests/metadata/v6/response').decode(bytes)).toMatchObject({
      brokers: [{ nodeId: 1, host: 'localhost', port: 9092, rack: null }],
      clusterId: 'c',
      topicMetadata: [{ topic: 'orders', isInternal: false, partitionMetadata: [{ leader: 1, isr: [1] }] }],
    });
  });
});
