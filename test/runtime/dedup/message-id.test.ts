import { describe, expect, it } from '@jest/globals';
import { idReader } from '../../../src/runtime/dedup/message-id.js';
import { recordOf } from '../../support/fake-clients.js';

const idOf = (id: string, value: unknown) =>
  idReader(id)(
    recordOf({
      topic: 'orders',
      partition: 3,
      offset: 7,
      key: Buffer.from(String(value)),
      value: Buffer.from(JSON.stringify({ order: { id: value } })),
      headers: [
        { key: 'message-id', value: Buffer.from('older') },
        { key: 'message-id', value: Buffer.from(String(value)) },
      ],
    }),
  );

describe('the id of a message', () => {
  it('is a header (the last of its name), the key, a property at any depth, or the place of the record', () => {
    expect(idOf('#header:message-id', 'a')).toBe('a');
    expect(idOf('#key', 'a')).toBe('a');
    expect(idOf('order.id', 'a')).toBe('a');
    expect(idOf('order.id', 17)).toBe('17');
    expect(idOf('order.none.deeper', 'a')).toBeUndefined();
    expect(idOf('topic-partition-offset', 'a')).toBe('orders-3@7');
  });

  it('is kept as its digest where a store could not hold it: long, or with a NUL, which databases refuse', () => {
    const long = idOf('#key', 'x'.repeat(256))!;
    expect(long).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(idOf('#key', 'ü'.repeat(127))).toBe('ü'.repeat(127));
    expect(idOf('#key', 'ü'.repeat(128))).toMatch(/^sha256:/);
    const strange = ['a\0b', 'a\0c', 'a'].map((id) => idOf('#header:message-id', id));
    expect(strange.join()).not.toContain('\0');
    expect(new Set(strange).size).toBe(3);
    expect(idOf('order.id', 'a\0b')).toBe(strange[0]);
  });
});
