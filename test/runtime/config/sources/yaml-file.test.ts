import { describe, expect, it } from '@jest/globals';
import { type Mistake } from '../../../../src/runtime/config/mistakes.js';
import { readYamlText } from '../../../../src/runtime/config/sources/yaml-file.js';

function read(text: string) {
  const mistakes: Mistake[] = [];
  const documents = readYamlText('f', text, mistakes);
  return { documents, mistakes: mistakes.map(({ origin, problem }) => `${origin}: ${problem}`) };
}
const properties = (text: string) =>
  Object.fromEntries(read(text).documents.flatMap((entries) => entries.map(({ key, value }) => [key, value])));

describe('a YAML file', () => {
  it.each<[text: string, properties: Record<string, string>]>([
    ['a: b', { a: 'b' }],
    ['a:\n  b: c\n  d: e', { 'a.b': 'c', 'a.d': 'e' }],
    ['a.b: c', { 'a.b': 'c' }],
    ['a: [x, y]', { 'a[0]': 'x', 'a[1]': 'y' }],
    ['a:\n  - x\n  - b: y', { 'a[0]': 'x', 'a[1].b': 'y' }],
    ['a: []', { a: '' }],
    ['a: {}', { a: '' }],
    ['a:', { a: '' }],
    ['a: null', { a: '' }],
    ['a: ~', { a: '' }],
    ['a: true', { a: 'true' }],
    ['a: on', { a: 'on' }],
    ['a: 1.10', { a: '1.10' }],
    ['a: 0x1F', { a: '0x1F' }],
    ['a: 007', { a: '007' }],
    ['a: 10s', { a: '10s' }],
    ['a: "null"', { a: 'null' }],
    ["a: 'it''s'", { a: "it's" }],
    ['a: "x\\ty"', { a: 'x\ty' }],
    ['a: |\n  one\n  two\n', { a: 'one\ntwo\n' }],
    ['a: >-\n  one\n  two\n', { a: 'one two' }],
    ['a:\n  "[x.y]": z', { 'a[x.y]': 'z' }],
    ['a: &it\n  b: c\nd: *it', { 'a.b': 'c', 'd.b': 'c' }],
    ['a: &it\n  b: c\n  e: f\nd:\n  <<: *it\n  b: own', { 'a.b': 'c', 'a.e': 'f', 'd.b': 'own', 'd.e': 'f' }],
    ['a: "${b:c}"', { a: '${b:c}' }],
    ['# nothing', {}],
  ])('reads %j', (text, expected) => {
    expect(properties(text)).toEqual(expected);
  });

  it('knows line and column of every value', () => {
    const { documents } = read(
      'spring:\n  kafka:\n    client-id: x\n    bootstrap-servers:\n      - h:1\n      - "g:2"\n',
    );
    expect(documents[0]!.map(({ key, origin }) => [key, origin])).toEqual([
      ['spring.kafka.client-id', 'f:3:16'],
      ['spring.kafka.bootstrap-servers[0]', 'f:5:9'],
      ['spring.kafka.bootstrap-servers[1]', 'f:6:9'],
    ]);
  });

  it('gives each document its own entries', () => {
    const { documents } = read('a: 1\n---\nb: 2\n---\n---\nc: 3\n');
    expect(documents.map((entries) => entries.map(({ key }) => key))).toEqual([['a'], ['b'], [], ['c']]);
    expect(documents[1]![0]!.origin).toBe('f:3:4');
  });

  it.each([
    ['a: b: c', 'f:1:'],
    ['a: 1\na: 2', 'f:2:1: is not YAML: Map keys must be unique'],
    ['a: "x', 'f:1:'],
    ['- a\n- b', 'f:1:1: is no map of names and values'],
    ['just text', 'f:1:1: is no map of names and values'],
    ['a: *gone', 'f:1:4: is not YAML: nothing is anchored as &gone'],
  ])('reports %j with its place', (text, report) => {
    expect(read(text).mistakes[0]).toContain(report);
  });
});
