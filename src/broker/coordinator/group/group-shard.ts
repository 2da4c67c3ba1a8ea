import { type CoordinatorShard } from '../coordinator-runtime.js';
import { type GroupMetadata, type GroupRecord } from '../offset-records.js';
import { ClassicGroup } from './classic-group.js';
import { CommittedOffsets } from './committed-offsets.js';
import { type ClassicGroupSettings } from './group-core.js';
import { GroupHost, type GroupWorld } from './group-host.js';

// The groups and committed offsets of one partition of `__consumer_offsets`. `replay` is what makes a group lasting:
// a first commit creates a group without members, a group record makes one stable, a tombstone ends it.

export class GroupShard implements CoordinatorShard<GroupRecord> {
  readonly offsets = new CommittedOffsets();
  readonly #hosts = new Map<string, GroupHost>();
  /** While loading: the last record of each group; only that one counts. */
  #stored: Map<string, GroupMetadata> | undefined = new Map();

  constructor(
    readonly partition: number,
    readonly settings: ClassicGroupSettings,
    readonly world: GroupWorld,
  ) {}

  get(groupId: string): GroupHost | undefined {
    return this.#hosts.get(groupId);
  }

  getOrCreate(groupId: string): GroupHost {
    return this.#hosts.get(groupId) ?? this.#host(new ClassicGroup(groupId, this.settings, this.world.clock.now()));
  }

  /** A copy: groups may be removed while it is walked. */
  hosts(): GroupHost[] {
    return [...this.#hosts.values()];
  }

  replay(record: GroupRecord): void {
    if (record.type === 'offset') {
      this.offsets.replay(record);
      if (record.value !== null && !this.#stored) this.getOrCreate(record.groupId);
    } else if (this.#stored) {
      if (record.value === null) this.#stored.delete(record.groupId);
      else this.#stored.set(record.groupId, record.value);
    } else if (record.value === null) {
      this.#remove(record.groupId);
    } else {
      this.getOrCreate(record.groupId).group.replay(record.value);
    }
  }

  replayInTransaction(record: GroupRecord, producerId: bigint): void {
    if (record.type !== 'offset' || record.value === null) return;
    this.offsets.pending.add(record, producerId);
    if (!this.#stored) this.getOrCreate(record.groupId);
  }

  endTransaction(producerId: bigint, committed: boolean): void {
    this.offsets.endTransaction(producerId, committed);
  }

  loaded(): void {
    const stored = this.#stored ?? new Map<string, GroupMetadata>();
    this.#stored = undefined;
    for (const [groupId, metadata] of stored) {
      const group = ClassicGroup.restored(groupId, this.settings, metadata, this.world.clock.now());
      this.#host(group).perform();
    }
    for (const groupId of this.offsets.groupIds()) this.getOrCreate(groupId);
    for (const groupId of this.offsets.pending.groupIds()) this.getOrCreate(groupId);
  }

  #host(group: ClassicGroup): GroupHost {
    const host = new GroupHost(group, this.world);
    this.#hosts.set(group.groupId, host);
    return host;
  }

  #remove(groupId: string): void {
    const host = this.#hosts.get(groupId);
    if (!host) return;
    host.group.die(this.world.clock.now());
    host.dispose();
    this.#hosts.delete(groupId);
  }

  /** A group that only came into being for a request that was refused leaves no trace. */
  dropUnused(groupId: string): void {
    const host = this.#hosts.get(groupId);
    if (!host?.group.isAbandoned || host.group.generationId > 0 || this.offsets.hasAny(groupId)) return;
    this.#remove(groupId);
  }

  dispose(): void {
    for (const host of this.#hosts.values()) host.dispose();
  }
}
