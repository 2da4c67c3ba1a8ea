import { describe, expect, it } from '@jest/globals';
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
  metadataRecord,
} from '../../../src/broker/metadata/metadata-record.js';
import {
  BeginTransaction,
  BrokerRegistrationChange,
  ClientQuota,
  Config,
  FeatureLevel,
  FencedChange,
  LeaderChange,
  Partition,
  PartitionChange,
  ProducerIds,
  RegisterBroker,
  RemoveTopic,
  Topic,
} from '../../../src/broker/metadata/metadata-records.js';

// Bytes of a real Kafka 4.3.1.

const ORDERS = '_VEfux8LTZ-51jkL4VlTow';

const VECTORS: ReadonlyArray<readonly [string, MetadataRecord, string]> = [
  [
    'Topic',
    metadataRecord(Topic, 0, { name: 'orders', topicId: ORDERS }),
    '010200076f7264657273fd511fbb1f0b4d9fb9d6390be15953a300',
  ],
  [
    'Partition v2',
    metadataRecord(Partition, 2, {
      partitionId: 0,
      topicId: ORDERS,
      replicas: [1],
      isr: [1],
      removingReplicas: [],
      addingReplicas: [],
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: [Buffer.from('41fcf1446c9cf14169460b9c77ab1dbf', 'hex').toString('base64url')],
    }),
    '01030200000000fd511fbb1f0b4d9fb9d6390be15953a30200000001020000000101010000000100000000000000000241fcf1446c9cf14169460b9c77ab1dbf00',
  ],
  [
    'PartitionChange v2',
    metadataRecord(PartitionChange, 2, {
      partitionId: 0,
      topicId: ORDERS,
      isr: [],
      leader: -1,
      eligibleLeaderReplicas: [1],
      lastKnownElr: [1],
    }),
    '01050200000000fd511fbb1f0b4d9fb9d6390be15953a3040001010104ffffffff0605020000000107050200000001',
  ],
  [
    'Config, deleted',
    metadataRecord(Config, 0, { resourceType: 2, resourceName: 'orders', name: 'retention.ms', value: null }),
    '01040002076f72646572730d726574656e74696f6e2e6d730000',
  ],
  [
    'ClientQuota',
    metadataRecord(ClientQuota, 0, {
      entity: [
        { entityType: 'client-id', entityName: null },
        { entityType: 'user', entityName: 'alice' },
      ],
      key: 'producer_byte_rate',
      value: 1048576,
      remove: false,
    }),
    '010e00030a636c69656e742d69640000057573657206616c696365001370726f64756365725f627974655f7261746541300000000000000000',
  ],
  [
    'ProducerIds',
    metadataRecord(ProducerIds, 0, { brokerId: 1, brokerEpoch: 12, nextProducerId: 1000 }),
    '010f0000000001000000000000000c00000000000003e800',
  ],
  [
    'FeatureLevel',
    metadataRecord(FeatureLevel, 0, { name: 'metadata.version', featureLevel: 30 }),
    '010c00116d657461646174612e76657273696f6e001e00',
  ],
  [
    'BrokerRegistrationChange v0',
    metadataRecord(BrokerRegistrationChange, 0, { brokerId: 1, brokerEpoch: 12, fenced: FencedChange.UNFENCE }),
    '01110000000001000000000000000c010001ff',
  ],
  [
    'BeginTransaction',
    metadataRecord(BeginTransaction, 0, { name: 'Bootstrap records' }),
    '01170001001212426f6f747374726170207265636f726473',
  ],
  [
    'RemoveTopic',
    metadataRecord(RemoveTopic, 0, { topicId: 'tjGPCojDQ1i1-H8xnfT_-A' }),
    '010900b6318f0a88c34358b5f87f319df4fff800',
  ],
];

describe('metadata records', () => {
  it.each(VECTORS)('%s has the bytes that Kafka writes', (_name, record, hex) => {
    expect(encodeMetadataRecord(record).toString('hex')).toBe(hex);
    expect(decodeMetadataRecord(Buffer.from(hex, 'hex'), 0)).toMatchObject({
      type: record.type,
      version: record.version,
      message: record.message,
    });
  });

  it('writes the leader change as Kafka does', () => {
    const voters = [{ voterId: 1 }];
    const value = LeaderChange.codec.toBuffer(0, { version: 0, leaderId: 1, voters, grantingVoters: voters });
    expect(value.toString('hex')).toBe('00000000000102000000010002000000010000');
  });

  it('reads fields that only newer versions have, and leaves out those of older ones', () => {
    const base = { brokerId: 1, incarnationId: ORDERS, brokerEpoch: 5, endPoints: [], features: [], rack: null };
    const record = metadataRecord(RegisterBroker, 3, { ...base, logDirs: [ORDERS], cordonedLogDirs: [] });
    expect(decodeMetadataRecord(encodeMetadataRecord(record), 0).message).toMatchObject({
      logDirs: [ORDERS],
      cordonedLogDirs: null,
      fenced: true,
    });
  });

  it('refuses what it does not know', () => {
    expect(() => decodeMetadataRecord(Buffer.from('016300', 'hex'), 41)).toThrow(
      /offset 41: record type 99 is not known/,
    );
    expect(() => decodeMetadataRecord(Buffer.from('021400', 'hex'), 0)).toThrow(/frame version is 2/);
    expect(() => decodeMetadataRecord(Buffer.from('01140000aa', 'hex'), 0)).toThrow(/1 bytes follow the NoOp record/);
  });
});
