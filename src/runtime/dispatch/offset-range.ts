// A run of offsets, as finished work above the first unfinished record is kept.

/** Offsets from `from` up to, not including, `to`. */
export interface OffsetRange {
  readonly from: number;
  readonly to: number;
}
