// Which neighbouring segments are cleaned into one: small ones that compaction left are put together again. Pure.

export interface GroupableSegment {
  readonly baseOffset: number;
  readonly size: number;
  readonly offsetIndexBytes: number;
  readonly timeIndexBytes: number;
}

export interface GroupLimits {
  readonly segmentBytes: number;
  readonly segmentIndexBytes: number;
  /** First offset behind the segments. */
  readonly endOffset: number;
}

/** Offsets within a segment are stored as int32. */
const MAX_OFFSET_SPAN = 0x7fff_ffff;

export function groupSegments<S extends GroupableSegment>(segments: readonly S[], limits: GroupLimits): S[][] {
  const groups: S[][] = [];
  let group: S[] = [];
  const sums = { size: 0, offsetIndex: 0, timeIndex: 0 };
  segments.forEach((segment, i) => {
    const behind = segments[i + 1]?.baseOffset ?? limits.endOffset;
    const fits =
      group.length > 0 &&
      sums.size + segment.size <= limits.segmentBytes &&
      sums.offsetIndex + segment.offsetIndexBytes <= limits.segmentIndexBytes &&
      sums.timeIndex + segment.timeIndexBytes <= limits.segmentIndexBytes &&
      (segment.size === 0 || behind - 1 - group[0]!.baseOffset <= MAX_OFFSET_SPAN);
    if (!fits) {
      group = [];
      groups.push(group);
      sums.size = sums.offsetIndex = sums.timeIndex = 0;
    }
    group.push(segment);
    sums.size += segment.size;
    sums.offsetIndex += segment.offsetIndexBytes;
    sums.timeIndex += segment.timeIndexBytes;
  });
  return groups;
}
