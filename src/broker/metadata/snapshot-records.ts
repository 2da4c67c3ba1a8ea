import {
  hasControllerRegistration,
  METADATA_VERSION,
  metadataVersion,
  partitionVersion,
  registrationVersion,
} from './features.js';
import { type MetadataImage } from './metadata-image.js';
import { type MetadataRecord, metadataRecord } from './metadata-record.js';
import {
  AccessControlEntry,
  ClientQuota,
  Config,
  DelegationToken,
  FeatureLevel,
  Partition,
  ProducerIds,
  RegisterBroker,
  RegisterController,
  Topic,
  UserScramCredential,
} from './metadata-records.js';

// The image as records: what a snapshot holds, in the order in which Kafka writes it. Replayed into an empty image
// they give the same one again.

const NOBODY = -1;

export function* snapshotRecords(image: MetadataImage): Generator<MetadataRecord> {
  yield* featureRecords(image);
  const { features, kept } = image;
  for (const broker of image.registrations()) {
    yield metadataRecord(RegisterBroker, registrationVersion(features), broker);
  }
  if (hasControllerRegistration(features)) yield* kept.recordsOf(RegisterController);
  yield* topicRecords(image);
  for (const [resourceType, resourceName, entries] of image.allConfigs()) {
    for (const [name, value] of entries) yield metadataRecord(Config, 0, { resourceType, resourceName, name, value });
  }
  yield* kept.recordsOf(ClientQuota);
  const { nextProducerId } = image;
  if (nextProducerId > 0) {
    yield metadataRecord(ProducerIds, 0, { brokerId: NOBODY, brokerEpoch: NOBODY, nextProducerId });
  }
  yield* kept.recordsOf(AccessControlEntry);
  yield* kept.recordsOf(UserScramCredential);
  yield* kept.recordsOf(DelegationToken);
}

/** The level of the metadata itself comes first: how the others are read depends on it. */
function* featureRecords({ features }: MetadataImage): Generator<MetadataRecord> {
  const { name } = METADATA_VERSION;
  yield metadataRecord(FeatureLevel, 0, { name, featureLevel: metadataVersion(features) });
  for (const [other, featureLevel] of features) {
    if (other !== name) yield metadataRecord(FeatureLevel, 0, { name: other, featureLevel });
  }
}

function* topicRecords(image: MetadataImage): Generator<MetadataRecord> {
  const version = partitionVersion(image.features);
  for (const { name, topicId, partitions } of image.topics()) {
    yield metadataRecord(Topic, 0, { name, topicId });
    for (const partition of partitions) yield metadataRecord(Partition, version, { topicId, ...partition });
  }
}
