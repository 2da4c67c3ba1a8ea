// Java's String.hashCode, by which groups and transactional ids find the partition of their coordinator.

/** The hash over UTF-16 code units, as a signed 32-bit number. */
export function javaHash(text: string): number {
  let h = 0;
  for (let i = 0; i < text.length; i++) h = (Math.imul(31, h) + text.charCodeAt(i)) | 0;
  return h;
}

/** Partition of `__consumer_offsets` or `__transaction_state` that holds the id. */
export function coordinatorPartition(id: string, count: number): number {
  const h = javaHash(id);
  // The smallest int has no positive twin: Kafka takes 0 for it.
  return (h === -0x8000_0000 ? 0 : Math.abs(h)) % count;
}
