import { crc32c } from './crc32c.js';
import { batchSize, CRC_FROM, crc, isWholeBatch, setCrc } from './record-batch-header.js';

// The checksum of a batch: CRC-32C of everything from its attributes on.

/** The checksum that the batch at `at` should carry. */
export function crcOf(buffer: Buffer, at = 0): number {
  return crc32c(buffer, at + CRC_FROM, at + batchSize(buffer, at));
}

/** Whether a whole batch lies at `at` and its bytes are what was written. */
export function verifyCrc(buffer: Buffer, at = 0): boolean {
  return isWholeBatch(buffer, at) && crc(buffer, at) === crcOf(buffer, at);
}

/** Renews the checksum after a change behind it. */
export function sealCrc(buffer: Buffer, at = 0): void {
  setCrc(buffer, at, crcOf(buffer, at));
}
