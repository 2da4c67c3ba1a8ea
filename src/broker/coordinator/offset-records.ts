import { NestdawError } from '../../common/errors.js';
import { array, bytes, i32, i64, str, uuid } from '../../protocol/schema.js';
import { MessageCodec } from '../../protocol/schema-compiler.js';
import { WireReader } from '../../protocol/wire-reader.js';
import { type RecordBytes, type RecordCodec } from './coordinator-runtime.js';

// The records of `__consumer_offsets`, byte for byte as Kafka's tools read them: a key is its type as an int16 and
// plain fields, a value its version as an int16 and fields, a null value a tombstone.

const OFFSET_KEY = 1; // type 0 is the same key, written by brokers before 0.9
const GROUP_KEY = 2;
const OFFSET_VALUE = 3;
/** The only version with an expiry of its own: written when the commit asked for a retention time. */
const EXPIRING_OFFSET_VALUE = 1;
const GROUP_VALUE = 3;
const NEWEST_VALUE = 4;

const offsetKey = new MessageCodec(
  'offset commit key',
  { group: str, topic: str, partition: i32 },
  Number.POSITIVE_INFINITY,
);
const groupKey = new MessageCodec('group metadata key', { group: str }, Number.POSITIVE_INFINITY);
const offsetValue = new MessageCodec(
  'offset commit value',
  {
    offset: i64,
    leaderEpoch: i32.or(-1).since(3),
    metadata: str,
    commitTimestamp: i64,
    expireTimestamp: i64.or(-1).since(1).until(1),
    topicId: uuid.since(4).tag(0),
  },
  4,
);
const groupValue = new MessageCodec(
  'group metadata value',
  {
    protocolType: str,
    generation: i32,
    protocol: str.nullable(),
    leader: str.nullable(),
    currentStateTimestamp: i64.or(-1).since(2),
    members: array({
      memberId: str,
      groupInstanceId: str.nullable().since(3),
      clientId: str,
      clientHost: str,
      rebalanceTimeout: i32.or(-1).since(1),
      sessionTimeout: i32,
      subscription: bytes,
      assignment: bytes,
    }),
  },
  4,
);

export interface CommittedOffset {
  readonly offset: number;
  /** -1 when the consumer did not say. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestamp: number;
  /** -1: kept as long as `offsets.retention.minutes` says. */
  readonly expireTimestamp: number;
}

export interface StoredMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  /** The member's metadata for the chosen protocol. */
  readonly subscription: Buffer;
  readonly assignment: Buffer;
}

/** A group as it is stored: whenever it becomes stable or empty. */
export interface GroupMetadata {
  readonly protocolType: string;
  readonly generationId: number;
  readonly protocolName: string | null;
  readonly leaderId: string | null;
  readonly currentStateTimestamp: number;
  readonly members: readonly StoredMember[];
}

export type GroupRecord =
  | {
      readonly type: 'offset';
      readonly groupId: string;
      readonly topic: string;
      readonly partition: number;
      readonly value: CommittedOffset | null;
    }
  | { readonly type: 'group'; readonly groupId: string; readonly value: GroupMetadata | null };

/** A committed offset, or its deletion. */
export type OffsetRecord = Extract<GroupRecord, { type: 'offset' }>;

export function encodeGroupRecord(record: GroupRecord): RecordBytes {
  if (record.type === 'offset') {
    const { groupId: group, topic, partition, value } = record;
    const version = value !== null && value.expireTimestamp >= 0 ? EXPIRING_OFFSET_VALUE : OFFSET_VALUE;
    return {
      key: versioned(OFFSET_KEY, offsetKey.toBuffer(OFFSET_KEY, { group, topic, partition })),
      value: value && versioned(version, offsetValue.toBuffer(version, value)),
    };
  }
  return {
    key: versioned(GROUP_KEY, groupKey.toBuffer(GROUP_KEY, { group: record.groupId })),
    value: record.value && versioned(GROUP_VALUE, encodeGroup(record.value)),
  };
}

/**
 * The record that these bytes are; undefined for key types that belong to other kinds of groups (KIP-848, KIP-932).
 * Slices of what was read are copied.
 */
export function decodeGroupRecord(key: Buffer, value: Buffer | null): GroupRecord | undefined {
  const reader = new WireReader(key);
  const type = reader.i16();
  if (type === 0 || type === OFFSET_KEY) {
    const { group, topic, partition } = offsetKey.decode(reader, type);
    return { type: 'offset', groupId: group, topic, partition, value: value && decodeOffset(value) };
  }
  if (type === GROUP_KEY) {
    return { type: 'group', groupId: groupKey.decode(reader, type).group, value: value && decodeGroup(value) };
  }
  return undefined;
}

/** Both directions, as the runtime takes them. */
export const groupRecordCodec: RecordCodec<GroupRecord> = {
  encode: encodeGroupRecord,
  decode: decodeGroupRecord,
};

function versioned(version: number, body: Buffer): Buffer {
  const out = Buffer.allocUnsafe(2 + body.length);
  out.writeInt16BE(version, 0);
  body.copy(out, 2);
  return out;
}

function versionOf(reader: WireReader, what: string): number {
  const version = reader.i16();
  if (version < 0 || version > NEWEST_VALUE) {
    throw new NestdawError(
      'KAFKA_DATA_DIR_INVALID',
      `__consumer_offsets holds a ${what} of version ${version}, this broker reads 0 to ${NEWEST_VALUE}. ` +
        'The directory was written by a newer broker: start that one, or use another data directory.',
    );
  }
  return version;
}

function decodeOffset(value: Buffer): CommittedOffset {
  const reader = new WireReader(value);
  const version = versionOf(reader, 'committed offset');
  const { offset, leaderEpoch, metadata, commitTimestamp, expireTimestamp } = offsetValue.decode(reader, version);
  return { offset, leaderEpoch, metadata, commitTimestamp, expireTimestamp };
}

function encodeGroup(group: GroupMetadata): Buffer {
  return groupValue.toBuffer(GROUP_VALUE, {
    protocolType: group.protocolType,
    generation: group.generationId,
    protocol: group.protocolName,
    leader: group.leaderId,
    currentStateTimestamp: group.currentStateTimestamp,
    members: group.members.map((member) => ({
      ...member,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
    })),
  });
}

function decodeGroup(value: Buffer): GroupMetadata {
  const reader = new WireReader(value);
  const version = versionOf(reader, 'group');
  const group = groupValue.decode(reader, version);
  return {
    protocolType: group.protocolType,
    generationId: group.generation,
    protocolName: group.protocol,
    leaderId: group.leader,
    currentStateTimestamp: group.currentStateTimestamp,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      // Version 0 knew one time-out only.
      rebalanceTimeoutMs: version === 0 ? member.sessionTimeout : member.rebalanceTimeout,
      sessionTimeoutMs: member.sessionTimeout,
      subscription: Buffer.from(member.subscription),
      assignment: Buffer.from(member.assignment),
    })),
  };
}
