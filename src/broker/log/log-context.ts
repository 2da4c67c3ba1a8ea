import { type Clock } from '../../common/clock.js';
import { type Logger } from '../../common/logger.js';
import { type Random } from '../../common/random.js';
import { type DevicePace } from './device-pace.js';
import { type FileRemovals } from './file-removals.js';
import { type FileSystem } from './file-system.js';
import { type OpenFiles } from './open-files.js';
import { type StorageCounters } from './storage-counters.js';

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
