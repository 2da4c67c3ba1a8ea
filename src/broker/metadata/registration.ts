import { type Random } from '../../common/random.js';
import {
  type Features,
  hasControllerRegistration,
  hasLeaderReplicas,
  partitionVersion,
  registrationVersion,
  SUPPORTED_FEATURES,
} from './features.js';
import { type MetadataImage, type PartitionState } from './metadata-image.js';
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
  SAME_RECOVERY,
} from './metadata-records.js';

// What a start and a stop leave in the metadata log: which broker is there, since when, and whether it is gone.

/** First records of a new log: what the directory was formatted with, else our own levels. */
export function bootstrapRecords(formatted: readonly MetadataRecord[]): MetadataRecord[] {
  const levels = SUPPORTED_FEATURES.map(({ name, level: featureLevel }) =>
    metadataRecord(FeatureLevel, 0, { name, featureLevel }),
  );
  return [
    metadataRecord(BeginTransaction, 0, { name: 'Bootstrap records' }),
    ...(formatted.length > 0 ? formatted : levels),
    metadataRecord(EndTransaction, 0, {}),
  ];
}

export interface Registration {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  /** Those in service. */
  readonly directoryIds: readonly string[];
  readonly random: Random;
  readonly features: Features;
}

const supportedFeatures = SUPPORTED_FEATURES.map(({ name, min, max }) => ({
  name,
  minSupportedVersion: min,
  maxSupportedVersion: max,
}));
const PLAINTEXT = 0;
const RECOVERED = 0;

/** Older levels know no controllers: nothing is written then. */
export function controllerRegistration({ nodeId, random, features }: Registration): MetadataRecord[] {
  if (!hasControllerRegistration(features)) return [];
  const registration = metadataRecord(RegisterController, 0, {
    controllerId: nodeId,
    incarnationId: incarnation(random),
    zkMigrationReady: false,
    endPoints: [],
    features: supportedFeatures,
  });
  return [registration];
}

/** `brokerEpoch` is the offset at which the operation begins. */
export function brokerRegistration(registration: Registration, brokerEpoch: number): MetadataRecord {
  const { nodeId, host, port, directoryIds, random, features } = registration;
  return metadataRecord(RegisterBroker, registrationVersion(features), {
    brokerId: nodeId,
    isMigratingZkBroker: false,
    incarnationId: incarnation(random),
    brokerEpoch,
    endPoints: [{ name: 'PLAINTEXT', host, port, securityProtocol: PLAINTEXT }],
    features: supportedFeatures,
    rack: null,
    fenced: true,
    inControlledShutdown: false,
    logDirs: directoryIds,
    cordonedLogDirs: null,
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
  const version = partitionVersion(image.features);
  const keepsElr = hasLeaderReplicas(image.features);
  for (const { topicId, partitions } of image.topics()) {
    for (const state of partitions) {
      if (dataIntact && isLed(state, nodeId)) continue;
      const { partitionId } = state;
      const change = { partitionId, topicId, isr: [nodeId], leader: nodeId, leaderRecoveryState: recovery(state) };
      const elr = keepsElr ? { eligibleLeaderReplicas: [], lastKnownElr: [] } : {};
      records.push(metadataRecord(PartitionChange, version, { ...change, ...elr }));
    }
  }
  return records;
}

/** Partitions that lie in another directory than the metadata says; undefined: nobody can tell where one lies. */
export function placementRecords(
  image: MetadataImage,
  directoryOf: (topic: string, partition: number) => string | undefined,
): MetadataRecord[] {
  const version = partitionVersion(image.features);
  const records: MetadataRecord[] = [];
  if (version === 0) return records;
  for (const { name, topicId, partitions } of image.topics()) {
    for (const { partitionId, directories } of partitions) {
      const directory = directoryOf(name, partitionId);
      if (directory === undefined || directories[0] === directory) continue;
      records.push(metadataRecord(PartitionChange, version, { partitionId, topicId, directories: [directory] }));
    }
  }
  return records;
}

function isLed(state: PartitionState, nodeId: number): boolean {
  const { leader, isr, eligibleLeaderReplicas: elr, lastKnownElr, leaderRecoveryState } = state;
  if (leader !== nodeId || !isr.includes(nodeId) || leaderRecoveryState !== RECOVERED) return false;
  return (elr ?? []).length === 0 && (lastKnownElr ?? []).length === 0;
}

const recovery = ({ leaderRecoveryState }: PartitionState): number =>
  leaderRecoveryState === RECOVERED ? SAME_RECOVERY : RECOVERED;

/** The broker leaves in good order. */
export function farewellRecord(nodeId: number, brokerEpoch: number): MetadataRecord {
  return metadataRecord(BrokerRegistrationChange, 0, { brokerId: nodeId, brokerEpoch, fenced: FencedChange.FENCE });
}

function incarnation(random: Random): string {
  return random.bytes(16).toString('base64url');
}
