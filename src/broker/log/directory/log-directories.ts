import { NestdawError } from '../../../common/errors.js';
import { TopicPartitionMap } from '../../../common/topic-partition.js';
import { type SharedContext } from '../log-context.js';
import { type LastStop } from '../log-recovery.js';
import { META_PROPERTIES_FILE, readMetaProperties } from './checkpoint-file.js';
import { type DataDirectoryOptions } from './data-directory.js';
import { emptiestDirectories } from './directory-choice.js';
import { LogDirectory } from './log-directory.js';
import { type LogHome } from './log-home.js';

// The directories of `log.dirs` together: all are one node's and one cluster's, no two are the same one.

/** The worst of them first. */
const STOPS: readonly LastStop[] = ['machine-down', 'killed', 'clean'];

export interface LogDirectoriesOptions extends Pick<DataDirectoryOptions, 'nodeId' | 'clusterId' | 'bootId'> {
  readonly shared: SharedContext;
  /** The first one is where the metadata log is made. */
  readonly paths: readonly string[];
}

export class LogDirectories {
  readonly all: readonly LogDirectory[];

  /** Opens them. Throws KAFKA_DATA_DIR_INVALID, and KAFKA_STORAGE_FAILED when none can be used. */
  constructor({ shared, paths, nodeId, clusterId, bootId }: LogDirectoriesOptions) {
    const isAlone = paths.length === 1;
    this.all = paths.map((path) => new LogDirectory({ shared, path, isAlone }));
    let cluster = clusterId ?? this.#clusterFound();
    for (const directory of this.all) {
      directory.open({ nodeId, clusterId: cluster, bootId });
      // New directories join the cluster of the one before them.
      if (!directory.failure) cluster ??= directory.data.meta.clusterId;
    }
    if (this.online.length === 0) throw this.all[0]!.failure!;
    this.#refuseTwins();
  }

  get online(): readonly LogDirectory[] {
    return this.all.filter(({ failure }) => failure === undefined);
  }

  get failed(): readonly LogDirectory[] {
    return this.all.filter(({ failure }) => failure !== undefined);
  }

  /** How the run before ended, in the directory that it treated worst. New ones had none, unless all are new. */
  get lastStop(): LastStop {
    const old = this.online.filter(({ data }) => !data.isNew);
    const stops = (old.length > 0 ? old : this.online).map(({ data }) => data.lastStop);
    return STOPS.find((stop) => stops.includes(stop)) ?? 'machine-down';
  }

  byId(id: string): LogDirectory | undefined {
    return this.all.find((directory) => directory.id === id);
  }

  byPath(path: string): LogDirectory | undefined {
    return this.all.find((directory) => directory.path === path);
  }

  /** One of which nothing is known, not even its id: what is missing elsewhere may lie there. */
  get unread(): LogDirectory | undefined {
    return this.all.find(({ id }) => id === '');
  }

  /** Ids for `count` new partitions; `homes` tells where those are that are there. */
  choose(count: number, homes: Iterable<LogHome>): string[] {
    const partitions = new Map<LogHome, number>();
    for (const home of homes) partitions.set(home, (partitions.get(home) ?? 0) + 1);
    const usable = this.online.length > 0 ? this.online : this.all;
    const loads = usable.map((home) => ({ id: home.id, partitions: partitions.get(home) ?? 0 }));
    return emptiestDirectories(loads, count);
  }

  /** What the checkpoint files of this name say of all partitions but 0. */
  readOffsets(name: string): TopicPartitionMap<number> {
    const offsets = new TopicPartitionMap<number>();
    for (const directory of this.online) {
      directory.attempt(`${name} in ${directory.path} could not be read`, () =>
        directory.data.readOffsets(name, offsets),
      );
    }
    return offsets;
  }

  #clusterFound(): string | undefined {
    if (this.all.length === 1) return undefined;
    const found = this.all.map((directory) =>
      directory.attempt(`${directory.path} could not be opened`, () =>
        readMetaProperties(directory.context.fileSystem, `${directory.path}/${META_PROPERTIES_FILE}`),
      ),
    );
    return found.find((meta) => meta !== undefined)?.clusterId;
  }

  #refuseTwins(): void {
    const seen = new Map<string, string>();
    for (const { id, path } of this.online) {
      const other = seen.get(id);
      if (other !== undefined) {
        throw new NestdawError(
          'KAFKA_DATA_DIR_INVALID',
          `${other} and ${path} have the same directory.id ${id}: one is a copy of the other. Name only one in log.dirs`,
        );
      }
      seen.set(id, path);
    }
  }
}
