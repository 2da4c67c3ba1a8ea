// Bytes and times of records as text for the terminal.

/** Null for null; what is no UTF-8 as base64. */
export function textOf(bytes: Buffer | null): string | null {
  if (bytes === null) return null;
  const text = bytes.toString();
  return text.includes('\uFFFD') || text.includes('\0') ? `base64:${bytes.toString('base64')}` : text;
}

/** UTC, to the second. */
export function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 19);
}
