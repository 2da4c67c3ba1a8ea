// The port through which a coordinator keeps its records: the partitions of one internal topic. The composition
// adapts the broker's partition logs to it; tests use an array.

export interface CoordinatorLog {
  /** Partitions of the topic; each is one shard of the coordinator. */
  readonly partitions: number;
  /** Appends one batch, in this turn: the records are in the file, or the error code says why they are not. */
  append(partition: number, batch: Buffer): { readonly errorCode: number };
  /**
   * Resolves when what was appended so far is as durable as the topic's flush policy asks for; undefined when it is
   * so already. Rejects when the disk refused.
   */
  durable?(partition: number): Promise<void> | undefined;
  /** Epoch in which the partition is written to: the epoch of the coordinator that goes by it. */
  leaderEpoch(partition: number): number;
  /** The partition's disk is gone for this run: what it holds cannot be told. Left out where that cannot be. */
  isUnserved?(partition: number): boolean;
  /** Calls `visit` with everything the partition holds, in order, as runs of whole batches. */
  readAll(partition: number, visit: (batches: Buffer) => void): void | Promise<void>;
}
