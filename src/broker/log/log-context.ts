import { type Clock } from '../../common/clock.js';
import { type Logger } from '../../common/logger.js';
import { type Random } from '../../common/random.js';
import { type StorageCounters } from './directory/storage-counters.js';
import { type DevicePace } from './disk/device-pace.js';
import { type FileRemovals } from './disk/file-removals.js';
import { type FileSystem } from './disk/file-system.js';
import { type OpenFiles } from './disk/open-files.js';

/** What all logs of a broker share. */
export interface LogContext {
  readonly fileSystem: FileSystem;
  readonly files: OpenFiles;
  /** What fsyncs take on the device that the logs lie on. */
  readonly device: DevicePace;
  readonly removals: FileRemovals;
  readonly counters: StorageCounters;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}
