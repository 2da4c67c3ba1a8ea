import { type LeaderEpochs } from './leader-epochs.js';
import { type LogContext } from './log-context.js';
import { type FlushedLog, LogFlusher } from './log-flusher.js';
import { type LoadedLog } from './log-recovery.js';
import { type ProducerStates } from './producers/producer-state.js';
import { type SnapshotFiles } from './producers/snapshot-files.js';
import { SegmentList } from './segment/segment-list.js';

// What a log consists of beside its figures. Of thousands of partitions most may never have been written to: they have
// none of it until somebody appends, reads or asks for it.

export class LogParts {
  readonly segments: SegmentList;
  readonly producers: ProducerStates;
  readonly snapshots: SnapshotFiles;
  readonly epochs: LeaderEpochs;
  readonly flusher: LogFlusher;

  constructor(log: FlushedLog, context: LogContext, loaded: LoadedLog) {
    this.segments = new SegmentList(loaded.segments);
    this.producers = loaded.producers;
    this.snapshots = loaded.snapshots;
    this.epochs = loaded.epochs;
    this.flusher = new LogFlusher(log, context, this.segments, loaded.recoveryPoint);
  }
}
