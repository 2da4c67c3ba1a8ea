import { describe, expect, it } from '@jest/globals';
import { fillPlaceholders, numberPlaceholders } from '../../../src/runtime/sql/placeholders.js';

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

describe('fillPlaceholders', () => {
  it.each([
    ['text', "'text'"],
    ["it's", "'it''s'"],
    ["'); DROP TABLE ids; --", "'''); DROP TABLE ids; --'"],
    ["\\' or 1=1", " E'\\\\'' or 1=1'"],
    ['?', "'?'"],
    ['$1', "'$1'"],
    ['', "''"],
    [7, '7'],
    [-7, '(-7)'],
  ])('puts %j into the statement', (value, literal) => {
    const filled = fillPlaceholders({ sql: "SELECT '?', ?, x-?", params: [value, value] });
    expect(filled).toBe(`SELECT '?', ${literal}, x-${literal}`);
  });

  it.each(['a\0b', Number.NaN, Number.POSITIVE_INFINITY])('leaves %j to the driver', (value) => {
    expect(fillPlaceholders({ sql: 'SELECT ?', params: [value] })).toBeUndefined();
  });
});
