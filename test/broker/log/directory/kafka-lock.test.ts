import { describe, expect, it } from '@jest/globals';
import { holderOf } from '../../../../src/broker/log/directory/kafka-lock.js';

const LOCKS = `1: POSIX  ADVISORY  READ  612 08:02:1311105 128 128
2: FLOCK  ADVISORY  WRITE 700 08:02:4711 0 EOF
3: POSIX  ADVISORY  WRITE 4242 fe:01:4711 0 9223372036854775807
3: -> POSIX  ADVISORY  WRITE 4243 fe:01:4712 0 EOF
`;

describe("the lock of Kafka's data directory", () => {
  it('is seen with the process that holds it', () => {
    expect(holderOf(LOCKS, '4711')).toBe(4242);
    expect(holderOf(LOCKS, '471')).toBeUndefined();
    expect(holderOf(LOCKS, '1311105')).toBeUndefined();
    expect(holderOf('', '4711')).toBeUndefined();
  });
});
