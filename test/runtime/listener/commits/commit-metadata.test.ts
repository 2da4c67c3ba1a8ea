import { expect, it } from '@jest/globals';
import { NestdawError } from '../../../../src/common/errors.js';
import { silentLogger } from '../../../../src/common/logger.js';
import { CommitMetadata } from '../../../../src/runtime/listener/commits/commit-metadata.js';

it('of transactions loses what is longer, text or map, when the brokers refuse its length', () => {
  const refusal = Object.assign(new NestdawError('KAFKA_PROTOCOL_ERROR', 'too large'), { errorCode: 12 });
  const zero = { topic: 'orders', partition: 0 };
  const make = (length: number) =>
    new CommitMetadata({
      listener: 'l',
      groupId: 'g',
      info: undefined,
      gapMap: true,
      text: () => 'x'.repeat(length),
      logger: silentLogger,
    });
  const stored = (of: CommitMetadata) => of.withMap(of.text(zero, 5), 5, [{ from: 7, to: 9 }]);
  const [long, short] = [make(50), make(5)];
  expect([stored(long)?.length, stored(short)?.length]).toEqual([69, 24]);
  for (const [one, left] of [
    [long, [0, 'nestdaw-gaps:1:AgI']],
    [short, [5, undefined]],
  ] as const) {
    const offsets = [{ ...zero, offset: 5, metadata: stored(one)! }];
    expect(one.endFor(offsets, new Error('another'))).toBe(false);
    expect(one.endFor(offsets, refusal)).toBe(true);
    expect([one.text(zero, 5).length, stored(one)]).toEqual(left);
  }
  const many = Array.from({ length: 1_000 }, (_, i) => ({ from: i * 2 + 6, to: i * 2 + 7 }));
  const fits = [1_000, 1_500].map((length) => make(length).withMap('x'.repeat(length), 5, many)?.length);
  expect(fits).toEqual([expect.any(Number), undefined]);
  expect(long.endFor([{ ...zero, offset: 5 }], refusal)).toBe(false);
});
