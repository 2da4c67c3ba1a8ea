// Variable-length numbers as records carry them: seven bits a byte, the lowest first; signed ones in zigzag form.

export function sizeOfUvarint(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  let size = 5;
  for (let rest = value / 0x8_0000_0000; rest >= 1; rest /= 0x80) size++;
  return size;
}

export function sizeOfVarlong(value: number): number {
  return sizeOfUvarint(value < 0 ? -value * 2 - 1 : value * 2);
}

/** Writes a value up to 2^53 and returns where the next byte goes. */
export function writeUvarint(buffer: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest > 0x7fff_ffff) {
    buffer[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest >= 0x80) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
}

/** Writes a signed value of up to 2^52 in zigzag form and returns where the next byte goes. */
export function writeVarlong(buffer: Buffer, from: number, value: number): number {
  return writeUvarint(buffer, from, value < 0 ? -value * 2 - 1 : value * 2);
}

const MAX_BYTES = 10;

/** Bytes of the number at `from`; 0 when it does not end before `end`, or is longer than 64 bits take. */
export function sizeOfVarlongAt(buffer: Buffer, from: number, end: number): number {
  const last = Math.min(end, from + MAX_BYTES);
  for (let at = from; at < last; at++) if (buffer[at]! < 0x80) return at - from + 1;
  return 0;
}

/** The signed number in the `size` bytes at `from`; exact up to 2^52. */
export function varlongAt(buffer: Buffer, from: number, size: number): number {
  let raw = 0;
  for (let at = from + size - 1; at >= from; at--) raw = raw * 0x80 + (buffer[at]! & 0x7f);
  return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
}
