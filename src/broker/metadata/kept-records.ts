import { type MetadataRecord } from './metadata-record.js';
import {
  AccessControlEntry,
  ClientQuota,
  DelegationToken,
  type MetadataRecordType,
  type RecordOf,
  RegisterController,
  RemoveAccessControlEntry,
  RemoveDelegationToken,
  RemoveUserScramCredential,
  UserScramCredential,
} from './metadata-records.js';

// State that only has to be found again: for each thing that a record describes, the last record about it. Whoever
// serves one of them reads it here; a snapshot writes all of them.

type KeyOf = (message: any) => string;

/** What a record is about, by type of record. */
const KEYS: ReadonlyMap<MetadataRecordType, KeyOf> = new Map<MetadataRecordType, KeyOf>([
  [RegisterController, ({ controllerId }: RecordOf<typeof RegisterController>) => String(controllerId)],
  [ClientQuota, quotaKey],
  [AccessControlEntry, ({ id }: RecordOf<typeof AccessControlEntry>) => id],
  [UserScramCredential, ({ mechanism, name }: RecordOf<typeof UserScramCredential>) => `${mechanism} ${name}`],
  [DelegationToken, ({ tokenId }: RecordOf<typeof DelegationToken>) => tokenId],
]);

/** Which records a record of another type ends. */
const ENDS: ReadonlyMap<MetadataRecordType, readonly [MetadataRecordType, KeyOf]> = new Map<
  MetadataRecordType,
  readonly [MetadataRecordType, KeyOf]
>([
  [RemoveAccessControlEntry, [AccessControlEntry, KEYS.get(AccessControlEntry)!]],
  [RemoveUserScramCredential, [UserScramCredential, KEYS.get(UserScramCredential)!]],
  [RemoveDelegationToken, [DelegationToken, KEYS.get(DelegationToken)!]],
]);

/** The order of the parts of an entity carries no meaning. */
function quotaKey({ entity, key }: RecordOf<typeof ClientQuota>): string {
  const parts = entity.map(({ entityType, entityName }) => [entityType, entityName]);
  return JSON.stringify([key, ...parts.sort(([a], [b]) => (a! < b! ? -1 : 1))]);
}

export class KeptRecords {
  readonly #records = new Map<MetadataRecordType, Map<string, unknown>>();

  /** Records of other types pass by. */
  replay(type: MetadataRecordType, message: unknown): void {
    const end = ENDS.get(type);
    if (end) {
      const [ended, keyOf] = end;
      this.#records.get(ended)?.delete(keyOf(message));
      return;
    }
    const key = KEYS.get(type)?.(message);
    if (key === undefined) return;
    const kept = this.#records.get(type) ?? new Map<string, unknown>();
    this.#records.set(type, kept);
    if (type === ClientQuota && (message as RecordOf<typeof ClientQuota>).remove) kept.delete(key);
    else kept.set(key, message);
  }

  /** Everything that is known of one kind. */
  *of<T extends MetadataRecordType>(type: T): Generator<RecordOf<T>> {
    for (const message of this.#records.get(type)?.values() ?? []) yield message as RecordOf<T>;
  }

  /** The same as records. */
  *recordsOf(type: MetadataRecordType): Generator<MetadataRecord> {
    for (const message of this.of(type)) yield { type, version: 0, message };
  }
}
