import { createHash } from 'node:crypto';
import { NestdawError } from '../../common/errors.js';

// What stands in a file of one partition's offset, as text that people can read, and a sum that tells a torn one.
//
//   offset=1234
//   epoch=7
//   metadata=
//   sum=0b1f7c3d

export interface OffsetFile {
  /** -1: nothing was stored yet. */
  readonly offset: number;
  readonly epoch: number;
  readonly metadata: string;
}

export function encodeOffsetFile({ offset, epoch, metadata }: OffsetFile): string {
  const body = `offset=${offset}\nepoch=${epoch}\nmetadata=${metadata}\n`;
  return `${body}sum=${sumOf(body)}\n`;
}

/** Reads it; a file with nothing but a number is taken as an offset, as other programs write them. */
export function decodeOffsetFile(text: string, path: string): OffsetFile {
  if (/^\s*\d+\s*$/.test(text)) return { offset: Number(text), epoch: 0, metadata: '' };
  const match = /^(offset=(-?\d+)\nepoch=(\d+)\nmetadata=(.*)\n)sum=([0-9a-f]{8})\n$/.exec(text);
  if (!match || sumOf(match[1]!) !== match[5]) {
    throw new NestdawError(
      'KAFKA_STORE_FAILED',
      `${path} is not whole: it was torn, or written by somebody else; put the next offset to read into it, as a plain ` +
        'number, or remove it to begin where auto.offset.reset says',
    );
  }
  return { offset: Number(match[2]), epoch: Number(match[3]), metadata: match[4]! };
}

function sumOf(body: string): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 8);
}
