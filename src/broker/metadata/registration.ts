import { type Random } from '../../common/random.js';
import { type MetadataImage } from './metadata-image.js';
import { type MetadataRecord, metadataRecord } from './metadata-record.js';
import {
  BeginTransaction,
  BrokerRegistrationChange,
  EndTransaction,
  FeatureLevel,
  FencedChange,
  PartitionChange,
  RegisterBroker,
  RegisterController,
} from './metadata-records.js';

// What a start and a stop leave in the metadata log: which broker is there, since when, and whether it is gone.

/**
 * The level at which the records of this broker are valid: Kafka 4.0's. It has Partition v2 and RegisterBroker v3;
 * the directories that 4.3 can cordon off (RegisterBroker v4) need level 30 and are not written.
 */
export const METADATA_VERSION = { name: 'metadata.version', level: 25, min: 7, max: 30 } as const;
/** Levels above are of a newer Kafka, whose records may mean something else. */
const FEATURE = METADATA_VERSION.name;

/** First records of a new log. */
export function bootstrapRecords(): MetadataRecord[] {
  return [
    metadataRecord(BeginTransaction, 0, { name: 'Bootstrap records' }),
    metadataRecord(FeatureLevel, 0, { name: FEATURE, featureLevel: METADATA_VERSION.level }),
    metadataRecord(EndTransaction, 0, {}),
  ];
}

export interface Registration {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly directoryId: string;
  readonly random: Random;
}

const supportedFeatures = [
  { name: FEATURE, minSupportedVersion: METADATA_VERSION.min, maxSupportedVersion: METADATA_VERSION.max },
];
const PLAINTEXT = 0;

export function controllerRegistration({ nodeId, random }: Registration): MetadataRecord {
  return metadataRecord(RegisterController, 0, {
    controllerId: nodeId,
    incarnationId: incarnation(random),
    zkMigrationReady: false,
    endPoints: [],
    features: supportedFeatures,
  });
}

/** `brokerEpoch` is the offset at which the operation begins. */
export function brokerRegistration(registration: Registration, brokerEpoch: number): MetadataRecord {
  const { nodeId, host, port, directoryId, random } = registration;
  return metadataRecord(RegisterBroker, 3, {
    brokerId: nodeId,
    isMigratingZkBroker: false,
    incarnationId: incarnation(random),
    brokerEpoch,
    endPoints: [{ name: 'PLAINTEXT', host, port, securityProtocol: PLAINTEXT }],
    features: supportedFeatures,
    rack: null,
    fenced: true,
    inControlledShutdown: false,
    logDirs: [directoryId],
  });
}

/**
 * The broker is ready, and leads every partition. Where a crash of the machine may have taken data away it names
 * itself leader anew, which raises the leader epochs: readers who saw what is gone can tell.
 */
export function readyRecords(
  image: MetadataImage,
  nodeId: number,
  options: { readonly brokerEpoch: number; readonly dataIntact: boolean },
): MetadataRecord[] {
  const { brokerEpoch, dataIntact } = options;
  const records = [
    metadataRecord(BrokerRegistrationChange, 0, { brokerId: nodeId, brokerEpoch, fenced: FencedChange.UNFENCE }),
  ];
  for (const { topicId, partitions } of image.topics()) {
    for (const { partitionId, leader, isr } of partitions) {
      if (dataIntact && leader === nodeId && isr.includes(nodeId)) continue;
      records.push(metadataRecord(PartitionChange, 2, { partitionId, topicId, isr: [nodeId], leader: nodeId }));
    }
  }
  return records;
}

/** The broker leaves in good order. */
export function farewellRecord(nodeId: number, brokerEpoch: number): MetadataRecord {
  return metadataRecord(BrokerRegistrationChange, 0, { brokerId: nodeId, brokerEpoch, fenced: FencedChange.FENCE });
}

function incarnation(random: Random): string {
  return random.bytes(16).toString('base64url');
}
