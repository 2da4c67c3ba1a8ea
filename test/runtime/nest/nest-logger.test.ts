import { describe, expect, it } from '@jest/globals';
import { NestdawError } from '../../../src/common/errors.js';
import { stackOf } from '../../../src/runtime/nest/nest-logger.js';

describe('what of an error is logged beside its message', () => {
  it("is the stack of a handler's error", () => {
    expect(stackOf(new TypeError('of a handler'))).toMatch(/^TypeError: of a handler\n\s+at /);
  });

  it('is nothing of our own errors, whose message says it all, but the stack of what led to them', () => {
    expect(stackOf(new NestdawError('KAFKA_STOPPED', 'stopped'))).toBeUndefined();
    const wrapped = new NestdawError('KAFKA_DELIVERY_FAILED', 'not sent', { cause: new RangeError('deep down') });
    expect(stackOf(wrapped)).toMatch(/^RangeError: deep down/);
  });

  it('names the whole chain of foreign errors', () => {
    const chain = new Error('outer', { cause: new Error('inner') });
    expect(stackOf(chain)).toMatch(/^Error: outer[\s\S]+caused by Error: inner/);
  });
});
