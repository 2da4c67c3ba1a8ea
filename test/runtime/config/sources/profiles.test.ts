import { describe, expect, it } from '@jest/globals';
import { ProfileExpressionError, profilesMatch } from '../../../../src/runtime/config/sources/profiles.js';

describe('a condition on profiles', () => {
  it.each<[expression: string, profiles: string[], holds: boolean]>([
    ['prod', ['prod'], true],
    ['prod', ['dev'], false],
    ['prod', ['dev', 'prod'], true],
    ['!prod', ['dev'], true],
    ['!prod', ['prod'], false],
    ['!!prod', ['prod'], true],
    ['prod & eu', ['prod', 'eu'], true],
    ['prod & eu', ['prod'], false],
    ['prod | eu', ['eu'], true],
    ['prod&eu&a', ['prod', 'eu', 'a'], true],
    ['prod & !eu', ['prod'], true],
    ['prod & (eu | us)', ['prod', 'us'], true],
    ['prod & (eu | us)', ['us'], false],
    ['!(prod | eu)', ['dev'], true],
    ['dev, prod', ['prod'], true],
    ['pro', ['prod'], false],
  ])('%s for %j', (expression, profiles, holds) => {
    expect(profilesMatch(expression, profiles)).toBe(holds);
  });

  it.each(['a & b | c', 'a &', '(a', 'a)', '& a', 'a b'])('refuses %j', (expression) => {
    expect(() => profilesMatch(expression, ['a'])).toThrow(ProfileExpressionError);
  });
});
