import { type RecordHeader } from '../../common/record.js';

// Headers as text, for stores that have no type for them: in their order, since a name may come twice.

/** Headers in their order, values in base64. */
export function headersToText(headers: readonly RecordHeader[]): string {
  return JSON.stringify(headers.map(({ key, value }) => [key, value === null ? null : value.toString('base64')]));
}

export function headersFromText(text: string): RecordHeader[] {
  const pairs = JSON.parse(text) as ReadonlyArray<readonly [string, string | null]>;
  return pairs.map(([key, value]) => ({ key, value: value === null ? null : Buffer.from(value, 'base64') }));
}
