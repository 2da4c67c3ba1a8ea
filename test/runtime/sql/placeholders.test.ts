import { describe, expect, it } from '@jest/globals';
import { numberPlaceholders } from '../../../src/runtime/sql/placeholders.js';

describe('numberPlaceholders', () => {
  it.each([
    ['SELECT ?, ?', 'SELECT $1, $2'],
    ["SELECT '?', ?", "SELECT '?', $1"],
    ["SELECT 'it''s ?', ?", "SELECT 'it''s ?', $1"],
    ['SELECT "a?", ? -- what?\n, ?', 'SELECT "a?", $1 -- what?\n, $2'],
    ['SELECT /* ? */ ?', 'SELECT /* ? */ $1'],
    ['SELECT $1, x ? y', 'SELECT $1, x ? y'],
  ])('%s', (given, expected) => {
    expect(numberPlaceholders(given)).toBe(expected);
  });
});
