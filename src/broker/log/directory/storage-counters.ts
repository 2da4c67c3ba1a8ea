// What the storage of a broker has done since its start; one object for all its logs.

export interface StorageMetrics {
  readonly appendedBatches: number;
  readonly appendedBytes: number;
  /** Batches stored in another codec than their producer's, because the topic's `compression.type` names one. */
  readonly recompressedBatches: number;
  /** Bytes that came out of compressed batches which an append or a compaction had to look into. */
  readonly decompressedBytes: number;
  /** Records that an append or a compaction looked at one by one; what fetches read stays as it is. */
  readonly examinedRecords: number;
  /** fsyncs of files and directories. */
  readonly syncs: number;
}

export class StorageCounters implements StorageMetrics {
  appendedBatches = 0;
  appendedBytes = 0;
  recompressedBatches = 0;
  decompressedBytes = 0;
  examinedRecords = 0;
  syncs = 0;

  /** As they are now. */
  snapshot(): StorageMetrics {
    const { appendedBatches, appendedBytes, recompressedBatches, decompressedBytes, examinedRecords, syncs } = this;
    return { appendedBatches, appendedBytes, recompressedBatches, decompressedBytes, examinedRecords, syncs };
  }
}
