import { describe, expect, it } from '@jest/globals';
import { type Mistake } from '../../../../src/runtime/config/mistakes.js';
import { parseProperties, readPropertiesText } from '../../../../src/runtime/config/sources/properties-file.js';

const documents = (text: string) => {
  const mistakes: Mistake[] = [];
  const found = readPropertiesText('f', text, mistakes).map((entries) =>
    Object.fromEntries(entries.map(({ key, value }) => [key, value])),
  );
  expect(mistakes).toEqual([]);
  return found;
};
const originOf = (text: string) => readPropertiesText('f', text, [])[0]?.[0]?.origin;

describe('a properties file', () => {
  it.each<[text: string, key: string, value: string]>([
    ['a=b', 'a', 'b'],
    ['a:b', 'a', 'b'],
    ['a b', 'a', 'b'],
    ['a  =  b', 'a', 'b'],
    ['  a=b', 'a', 'b'],
    ['a\t=\tb', 'a', 'b'],
    ['a=b  ', 'a', 'b  '],
    ['a', 'a', ''],
    ['a=', 'a', ''],
    ['a==b', 'a', '=b'],
    ['a=b=c', 'a', 'b=c'],
    ['a=#b', 'a', '#b'],
    ['a\\ b=c', 'a b', 'c'],
    ['a\\:b=c', 'a:b', 'c'],
    ['a\\=b=c', 'a=b', 'c'],
    ['\\#a=c', '#a', 'c'],
    ['a=b\\\n   c', 'a', 'bc'],
    ['a=b\\\n#c', 'a', 'b#c'],
    ['a=b\\\\', 'a', 'b\\'],
    ['a=\\t\\n\\r\\f|', 'a', '\t\n\r\f|'],
    ['a=\\u0041\\u00e9', 'a', 'Aé'],
    ['a=\\q\\$', 'a', 'q$'],
    ['a=Grüße 你好', 'a', 'Grüße 你好'],
    ['# note\na=b', 'a', 'b'],
    ['! note\n\n \na=b', 'a', 'b'],
    ['a=1\r\nb=2', 'b', '2'],
    ['a=1\rb=2', 'b', '2'],
    ['a=1\na=2', 'a', '2'],
    ['a[]=x,y', 'a', 'x,y'],
    ['\uFEFFa=b', 'a', 'b'],
  ])('reads %j as Java does', (text, key, value) => {
    expect(parseProperties(text)[key]).toBe(value);
  });

  it.each([
    ['a=b', 'f:1:3'],
    ['# note\n  key = value', 'f:2:9'],
    ['a=', 'f:1:3'],
    ['a', 'f:1:2'],
    ['a=\\\n   b', 'f:2:4'],
    ['a\\\n  b=c', 'f:2:5'],
    ['\n\na: b', 'f:3:4'],
    ['a b', 'f:1:3'],
  ])('knows where the value of %j begins', (text, origin) => {
    expect(originOf(text)).toBe(origin);
  });

  it.each<[text: string, documents: Array<Record<string, string>>]>([
    ['a=1\n#---\nb=2', [{ a: '1' }, { b: '2' }]],
    ['a=1\n!---\nb=2', [{ a: '1' }, { b: '2' }]],
    ['a=1\n #---\nb=2', [{ a: '1', b: '2' }]],
    ['a=1\n#----\nb=2', [{ a: '1', b: '2' }]],
    ['a=1\n# ---\nb=2', [{ a: '1', b: '2' }]],
    ['a=1\n# note\n#---\nb=2', [{ a: '1', b: '2' }]],
    ['a=1\n#---\n# note\nb=2', [{ a: '1', b: '2' }]],
    ['a=1\n! note\n#---\n! note\nb=2', [{ a: '1' }, { b: '2' }]],
    ['a=1\\\n#---\nb=2', [{ a: '1#---', b: '2' }]],
    ['#---\na=1\n#---\n#---\nb=2', [{}, { a: '1' }, {}, { b: '2' }]],
  ])('splits %j into documents', (text, found) => {
    expect(documents(text)).toEqual(found);
  });

  it('names line and column of an escape that is none', () => {
    const mistakes: Mistake[] = [];
    expect(readPropertiesText('f', 'a=1\nb=x\\u12', mistakes)).toEqual([]);
    expect(mistakes[0]).toMatchObject({ origin: 'f:2:4' });
    expect(mistakes[0]!.problem).toContain('after \\u exactly four hexadecimal digits are expected');
  });
});
