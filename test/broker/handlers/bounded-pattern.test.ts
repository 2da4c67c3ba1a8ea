import { describe, expect, it } from '@jest/globals';
import { wholeMatches } from '../../../src/broker/handlers/bounded-pattern.js';

describe('a pattern of a client', () => {
  it('matches whole texts', () => {
    expect([...wholeMatches('a.*|b', ['a', 'ab', 'b', 'bc', 'cab'])!]).toEqual(['a', 'ab', 'b']);
  });

  it('is no pattern, or takes too long: nothing matches, and the broker goes on', () => {
    expect(wholeMatches('[', ['a'])).toBeUndefined();
    const started = performance.now();
    expect(wholeMatches('(a+)+b', ['a'.repeat(40)])).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
