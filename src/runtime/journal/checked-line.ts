import { createHash } from 'node:crypto';

// Lines of a write-ahead file: JSON behind a checksum, so that a line that was not written whole is told from one that
// was, and people can read the file.

const CHECKSUM_LENGTH = 8;

/** The line of a value, with its end. */
export function checkedLine(value: unknown): string {
  const json = JSON.stringify(value);
  return `${checksum(json)} ${json}\n`;
}

/** The value of a line (without its end); undefined when it is not one, or not whole. */
export function parseCheckedLine(text: string): unknown {
  const json = text.slice(CHECKSUM_LENGTH + 1);
  if (text[CHECKSUM_LENGTH] !== ' ' || checksum(json) !== text.slice(0, CHECKSUM_LENGTH)) return undefined;
  return JSON.parse(json) as unknown;
}

/** Bytes as they stand in a line. */
export function base64(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('base64');
}

export function bytesOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'base64');
}

function checksum(json: string): string {
  return createHash('sha1').update(json).digest('hex').slice(0, CHECKSUM_LENGTH);
}
