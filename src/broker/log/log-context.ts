import { type Clock } from '../../common/clock.js';
import { type Logger } from '../../common/logger.js';
import { type Random } from '../../common/random.js';
import { type LogHome } from './directory/log-home.js';
import { type StorageCounters } from './directory/storage-counters.js';
import { type DevicePace } from './disk/device-pace.js';
import { type FileRemovals } from './disk/file-removals.js';
import { type FileSystem } from './disk/file-system.js';
import { type OpenFiles } from './disk/open-files.js';

/** What all logs of a broker share. */
export interface SharedContext {
  readonly fileSystem: FileSystem;
  readonly files: OpenFiles;
  readonly removals: FileRemovals;
  readonly counters: StorageCounters;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What the logs of one directory share. */
export interface LogContext extends SharedContext {
  readonly home: LogHome;
  /** What fsyncs take on the device that the logs lie on. */
  readonly device: DevicePace;
}
