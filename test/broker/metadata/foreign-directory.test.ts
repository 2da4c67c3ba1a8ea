import { describe, expect, it } from '@jest/globals';
import { Broker } from '../../../src/broker/broker.js';
import { type MemoryFileSystem } from '../../../src/broker/log/disk/memory-file-system.js';
import { encodeControlRecords, outgoingControl } from '../../../src/broker/metadata/control-records.js';
import {
  encodeMetadataRecord,
  type MetadataRecord,
  metadataRecord,
} from '../../../src/broker/metadata/metadata-record.js';
import {
  AccessControlEntry,
  ClientQuota,
  Config,
  DelegationToken,
  FeatureLevel,
  KRaftVersion,
  KRaftVoters,
  Partition,
  PartitionChange,
  RegisterBroker,
  RemoveAccessControlEntry,
  RemoveTopic,
  Topic,
  UserScramCredential,
} from '../../../src/broker/metadata/metadata-records.js';
import { snapshotRecords } from '../../../src/broker/metadata/snapshot-records.js';
import { encodeRecords } from '../../../src/protocol/record-batch.js';
import { DIRECTORY, MetadataNode, topic } from './metadata-node.js';

// Records of Apache Kafka that this broker does not write itself, and snapshots of the metadata.

const LOG_DIRECTORY = `${DIRECTORY}/__cluster_metadata-0`;
const ID = 'AAAAAAAAAAAAAAAAAAAABw';
const OFTEN = { 'metadata.log.max.record.bytes.between.snapshots': '1' };

/** As if another program had written them. */
function write(node: MetadataNode, records: readonly MetadataRecord[]): void {
  const values = records.map((record) => ({ key: null, value: encodeMetadataRecord(record) }));
  writeBatch(node, encodeRecords(values, { timestamp: 1 }));
}

function writeBatch(node: MetadataNode, batch: Buffer): void {
  node.logs.get('__cluster_metadata', 0)!.append(batch, { origin: 'coordinator', now: 1 });
}

const level = (name: string, featureLevel: number) => metadataRecord(FeatureLevel, 0, { name, featureLevel });

const partition = (more: object = {}) =>
  metadataRecord(Partition, 2, {
    partitionId: 0,
    topicId: ID,
    replicas: [1],
    isr: [1],
    removingReplicas: [],
    addingReplicas: [],
    leader: 1,
    leaderEpoch: 3,
    partitionEpoch: 4,
    directories: [ID],
    ...more,
  });

const THEIRS: readonly MetadataRecord[] = [
  level('group.version', 1),
  metadataRecord(Topic, 0, { name: 'theirs', topicId: ID }),
  partition(),
  metadataRecord(Config, 0, { resourceType: 16, resourceName: 'm', name: 'interval.ms', value: '5' }),
  metadataRecord(Config, 0, { resourceType: 32, resourceName: 'g', name: 'consumer.session.timeout.ms', value: '6' }),
  metadataRecord(ClientQuota, 0, {
    entity: [
      { entityType: 'user', entityName: 'alice' },
      { entityType: 'client-id', entityName: null },
    ],
    key: 'request_percentage',
    value: 12.5,
    remove: false,
  }),
  metadataRecord(UserScramCredential, 0, {
    name: 'alice',
    mechanism: 1,
    salt: Buffer.from('salt'),
    storedKey: Buffer.from('stored'),
    serverKey: Buffer.from('server'),
    iterations: 4096,
  }),
  metadataRecord(DelegationToken, 0, {
    owner: 'o',
    requester: 'r',
    renewers: ['x'],
    issueTimestamp: 1,
    maxTimestamp: 2,
    expirationTimestamp: 3,
    tokenId: 't',
  }),
  ...[ID, 'AAAAAAAAAAAAAAAAAAAACA'].map((id) =>
    metadataRecord(AccessControlEntry, 0, {
      id,
      resourceType: 2,
      resourceName: 'theirs',
      patternType: 3,
      principal: 'User:alice',
      host: '*',
      operation: 3,
      permissionType: 3,
    }),
  ),
  metadataRecord(RemoveAccessControlEntry, 0, { id: ID }),
];

const content = ({ metadata }: MetadataNode) =>
  [...snapshotRecords(metadata.image)].map(({ type, message }) => `${type.name} ${JSON.stringify(message)}`).sort();

const checkpoints = (fs: MemoryFileSystem) => fs.list(LOG_DIRECTORY).filter((name) => name.endsWith('.checkpoint'));

describe('a snapshot of the metadata', () => {
  it('holds all that the log says, also what this broker does nothing with', async () => {
    const node = await MetadataNode.start();
    node.metadata.createTopic(topic('orders', { 'retention.ms': '5' }, 2));
    await node.metadata.producerIds.next();
    write(node, THEIRS);
    const directories = [node.logs.directories[0]!.id];
    write(node, [metadataRecord(PartitionChange, 2, { partitionId: 0, topicId: ID, directories })]);
    const before = content(await MetadataNode.open(node.kill()));
    expect(before.filter((text) => text.startsWith('AccessControlEntry'))).toHaveLength(1);

    const writer = await MetadataNode.start(node.fileSystem, 'boot', OFTEN);
    await writer.metadata.flush();
    const end = writer.logs.get('__cluster_metadata', 0)!.logEndOffset;
    expect(checkpoints(node.fileSystem)).toEqual([`${String(end).padStart(20, '0')}-0000000002.checkpoint`]);
    expect(writer.logs.get('__cluster_metadata', 0)!.logStartOffset).toBe(end);
    const reader = await MetadataNode.open(writer.kill());
    expect(content(reader)).toEqual(content(writer));
    const lasting = (texts: string[]) => texts.filter((text) => !/^Register|ProducerIds/.test(text));
    expect(lasting(content(reader))).toEqual(lasting(before));
    expect(await reader.metadata.producerIds.next()).toBe(1000n);
  });

  it('comes with time when anything changed, and replaces the one before', async () => {
    const node = await MetadataNode.start();
    await node.clock.advance(3_000_000);
    expect(checkpoints(node.fileSystem)).toEqual([]);
    await node.clock.advance(700_000);
    const [first] = checkpoints(node.fileSystem);
    expect(first).toBeDefined();
    await node.clock.advance(7_200_000);
    expect(checkpoints(node.fileSystem)).toEqual([first]);
    node.metadata.createTopic(topic('orders'));
    await node.clock.advance(3_700_000);
    expect(checkpoints(node.fileSystem)).toHaveLength(1);
    expect(checkpoints(node.fileSystem)).not.toEqual([first]);
    const again = await MetadataNode.start(await node.stop());
    expect(again.metadata.topics.get('orders')).toBeDefined();
    expect(again.metadata.brokerEpoch).toBeGreaterThan(node.metadata.brokerEpoch);
  });

  it('goes on behind a snapshot that the log does not reach', async () => {
    const node = await MetadataNode.start(undefined, undefined, OFTEN);
    node.metadata.createTopic(topic('orders'));
    await node.metadata.flush();
    const end = node.logs.get('__cluster_metadata', 0)!.logEndOffset;
    const fileSystem = await node.stop();
    for (const name of fileSystem.list(LOG_DIRECTORY)) {
      if (!name.endsWith('.checkpoint')) fileSystem.remove(`${LOG_DIRECTORY}/${name}`);
    }
    const again = await MetadataNode.start(fileSystem);
    expect(again.metadata.topics.get('orders')).toBeDefined();
    expect(again.metadata.brokerEpoch).toBeGreaterThanOrEqual(end);
    expect(again.batches(end)[0]).toEqual(['control 2 epoch 2']);
  });

  it('is refused when it is not whole', async () => {
    const node = await MetadataNode.start(undefined, undefined, OFTEN);
    await node.metadata.flush();
    const fileSystem = await node.stop();
    const path = `${LOG_DIRECTORY}/${checkpoints(fileSystem)[0]}`;
    const whole = fileSystem.readFile(path);
    const bent = Buffer.from(whole);
    bent[200] = bent[200]! ^ 1;
    for (const damaged of [whole.subarray(0, -75), whole.subarray(0, -1), bent, Buffer.alloc(0)]) {
      fileSystem.writeFileAtomic(path, damaged);
      await expect(MetadataNode.open(fileSystem)).rejects.toThrow(/is damaged at byte/);
    }
    fileSystem.remove(path);
    await expect(MetadataNode.open(fileSystem)).rejects.toThrow(/what lay between is missing/);
  });

  it('gives nobody the settings of a topic that it does not have', async () => {
    const node = await MetadataNode.start();
    const orphan = (name: string, value: string | null) =>
      metadataRecord(Config, 0, { resourceType: 2, resourceName: name, name: 'retention.ms', value });
    write(node, [metadataRecord(Topic, 0, { name: 'a', topicId: ID }), orphan('a', '1'), partition()]);
    write(node, [metadataRecord(RemoveTopic, 0, { topicId: ID })]);
    const end = node.logs.get('__cluster_metadata', 0)!.logEndOffset;
    const again = await MetadataNode.start(node.kill());
    // Taken back in the log too, for the one who reads it next.
    expect(again.batches(end).slice(0, 2)).toEqual([['control 2 epoch 2'], ['Config v0 retention.ms=null']]);
    const third = await MetadataNode.start(again.kill());
    expect(third.batches(again.logs.get('__cluster_metadata', 0)!.logEndOffset)[1]).toEqual(['RegisterController v0']);
  });
});

describe('a directory of Apache Kafka', () => {
  it('keeps account of eligible leaders where it did', async () => {
    const node = await MetadataNode.start();
    const gone = { isr: [], leader: -1, eligibleLeaderReplicas: [1], lastKnownElr: [1] };
    write(node, [level('eligible.leader.replicas.version', 1), metadataRecord(Topic, 0, { name: 'a', topicId: ID })]);
    write(node, [partition(), metadataRecord(PartitionChange, 2, { partitionId: 0, topicId: ID, ...gone })]);
    const again = await MetadataNode.start(node.kill());
    const [state] = again.metadata.topics.get('a')!.state.partitions;
    expect(state).toMatchObject({ leader: 1, isr: [1], eligibleLeaderReplicas: [], lastKnownElr: [], leaderEpoch: 5 });
    expect(again.metadata.topics.log('a', 0)!.leaderEpoch).toBe(5);
  });

  it.each([
    [7, 0, 1, false],
    [14, 0, 2, false],
    [20, 1, 3, true],
    [25, 2, 3, true],
    [30, 2, 4, true],
  ])(
    'of metadata.version %d gets Partition v%d and RegisterBroker v%d',
    async (mv, ofPartition, ofBroker, hasController) => {
      const node = await MetadataNode.start();
      write(node, [level('metadata.version', mv)]);
      const end = node.logs.get('__cluster_metadata', 0)!.logEndOffset;
      const again = await MetadataNode.start(node.kill());
      again.metadata.createTopic(topic('orders'));
      const names = again.batches(end).flat();
      expect(names).toContain(`Partition v${ofPartition}`);
      expect(names).toContain(`RegisterBroker v${ofBroker}`);
      expect(names.includes('RegisterController v0')).toBe(hasController);
    },
  );

  it('keeps its voters in the log where they were', async () => {
    const node = await MetadataNode.start();
    const voter = (voterId: number, voterDirectoryId: string) => ({
      voterId,
      voterDirectoryId,
      endpoints: [{ name: 'CONTROLLER', host: 'localhost', port: 9093 }],
      kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
    });
    const quorum = (...voters: ReturnType<typeof voter>[]) =>
      encodeControlRecords(
        [
          outgoingControl(KRaftVersion, { version: 0, kRaftVersion: 1 }),
          outgoingControl(KRaftVoters, { version: 0, voters }),
        ],
        1,
      );
    writeBatch(node, quorum(voter(1, node.logs.directories[0]!.id)));
    const again = await MetadataNode.start(node.kill(), 'boot', OFTEN);
    await again.metadata.flush();
    expect(node.fileSystem.readFile(`${LOG_DIRECTORY}/quorum-state`).toString()).toBe(
      '{"leaderId":1,"leaderEpoch":2,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}',
    );
    // The snapshot has them too: the batch above is gone.
    const third = await MetadataNode.start(again.kill());
    writeBatch(third, quorum(voter(1, ID)));
    await expect(MetadataNode.start(third.kill())).rejects.toThrow(/a voter with the directory/);
  });

  it('is refused, and left as it is, when others hold copies of its partitions', async () => {
    const node = await MetadataNode.start();
    write(node, [metadataRecord(Topic, 0, { name: 'a', topicId: ID }), partition({ replicas: [1, 2] })]);
    const fileSystem = await node.stop();
    const stopped = fileSystem.readFile(`${DIRECTORY}/.kafka_cleanshutdown`).toString();
    expect(JSON.parse(stopped)).toEqual({ version: 0, brokerEpoch: node.metadata.brokerEpoch });
    const start = Broker.start({ port: 0, fileSystem, dataDir: DIRECTORY });
    await expect(start).rejects.toThrow(/a-0 has its copies on \[1, 2\]/);
    expect(fileSystem.readFile(`${DIRECTORY}/.kafka_cleanshutdown`).toString()).toBe(stopped);
  });

  it('is refused when a partition lies in a directory that is not named', async () => {
    const node = await MetadataNode.start();
    const other = 'c29tZSBvdGhlciBkaXNrIQ';
    write(node, [metadataRecord(Topic, 0, { name: 'a', topicId: ID }), partition({ directories: [other] })]);
    await expect(MetadataNode.open(node.kill())).rejects.toThrow(/a-0 lies in the directory with directory.id c29t/);
  });

  it('has it said where a partition lies of which the log does not say so', async () => {
    const node = await MetadataNode.start();
    write(node, [metadataRecord(Topic, 0, { name: 'a', topicId: ID }), partition()]);
    const again = await MetadataNode.start(node.kill());
    const [state] = again.metadata.topics.get('a')!.state.partitions;
    expect(state).toMatchObject({ directories: [again.logs.directories[0]!.id], leaderEpoch: 3 });
  });

  it('is not written to once another program has begun an epoch in it', async () => {
    const node = await MetadataNode.start();
    const path = `${LOG_DIRECTORY}/quorum-state`;
    node.fileSystem.writeFileAtomic(path, node.fileSystem.readFile(path).toString().replace('1', '2'));
    expect(() => node.metadata.createTopic(topic('orders'))).toThrow(/was changed by another program/);
    expect(node.metadata.topics.get('orders')).toBeUndefined();
  });

  it('keeps the registrations of other brokers', async () => {
    const node = await MetadataNode.start();
    const other = { brokerId: 2, isMigratingZkBroker: false, incarnationId: ID, brokerEpoch: 3, endPoints: [] };
    write(node, [
      metadataRecord(RegisterBroker, 3, {
        ...other,
        features: [],
        rack: 'r',
        fenced: true,
        inControlledShutdown: false,
      }),
    ]);
    const again = await MetadataNode.start(node.kill(), 'boot', OFTEN);
    await again.metadata.flush();
    const third = await MetadataNode.open(again.kill());
    expect(third.metadata.image.registration(2)).toMatchObject({ rack: 'r', incarnationId: ID, fenced: true });
  });
});
