// DER, as far as key stores need it: elements with a tag and what they hold.

export interface DerElement {
  readonly tag: number;
  readonly bytes: Buffer;
}

export const DerTag = { integer: 0x02, octets: 0x04, oid: 0x06, sequence: 0x30, first: 0xa0 } as const;

/** The elements that stand behind each other in some bytes. Throws for what is no DER. */
export function derElements(bytes: Buffer): DerElement[] {
  const found: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at]!;
    const { length, from } = lengthAt(bytes, at + 1);
    if (from + length > bytes.length) throw new Error('it ends too early');
    found.push({ tag, bytes: bytes.subarray(from, from + length) });
    at = from + length;
  }
  return found;
}

/** What a sequence, or anything else that holds elements, holds. Throws for a missing one. */
export function inside(element: DerElement | undefined): DerElement[] {
  if (element === undefined) throw new Error('it lacks a part');
  return derElements(element.bytes);
}

/** An object identifier as text; empty for anything else. */
export function oidOf(element: DerElement | undefined): string {
  if (element?.tag !== DerTag.oid || element.bytes.length === 0) return '';
  const first = element.bytes[0]!;
  const parts = [Math.min(2, Math.floor(first / 40))];
  parts.push(first - parts[0]! * 40);
  let part = 0;
  for (const byte of element.bytes.subarray(1)) {
    part = part * 128 + (byte & 0x7f);
    if (byte > 0x7f) continue;
    parts.push(part);
    part = 0;
  }
  return parts.join('.');
}

/** A whole number of up to 6 bytes. */
export function integerOf({ bytes }: DerElement): number {
  return bytes.length > 6 ? Number.POSITIVE_INFINITY : bytes.readUIntBE(0, bytes.length);
}

function lengthAt(bytes: Buffer, at: number): { readonly length: number; readonly from: number } {
  const short = bytes[at] ?? 0xff;
  if (short < 0x80) return { length: short, from: at + 1 };
  const size = short & 0x7f;
  if (size === 0 || size > 4 || at + 1 + size > bytes.length) throw new Error('it is no DER');
  return { length: bytes.readUIntBE(at + 1, size), from: at + 1 + size };
}
