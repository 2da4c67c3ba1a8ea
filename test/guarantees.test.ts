import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { evidenceOf, missingTitles } from './support/evidence.js';

// docs/guarantees.md: every line says what it promises and costs, has a page, and names tests and proofs that are
// there.

const text = readFileSync('docs/guarantees.md', 'utf8');
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| Guarantee |') && line.split('|').length === 7);
const proofs = [
  ...readFileSync('proofs/guarantees.ts', 'utf8').matchAll(/from '(\.\/guarantees\/[a-z-]+)\.js'/g),
].flatMap(([, file]) =>
  [...readFileSync(`proofs/${file}.ts`, 'utf8').matchAll(/\bname: '([a-z-]+)'/g)].map(([, name]) => name!),
);

describe('docs/guarantees.md', () => {
  it('has a line for each guarantee, and one for each proof', () => {
    expect(rows.length).toBeGreaterThan(12);
    const named = rows.flatMap((row) => evidenceOf(row).proven);
    expect([...new Set(named)].sort()).toEqual([...proofs].sort());
  });

  it.each(rows)('%s', (row) => {
    const [, guarantee, how, promise, cost] = row.split('|').map((cell) => cell.trim());
    for (const cell of [guarantee, how, promise, cost]) expect(cell!.length).toBeGreaterThan(3);
    const evidence = evidenceOf(row);
    expect(evidence.tests.length + evidence.proven.length).toBeGreaterThan(0);
    // A test that is linked is named by its title, too.
    expect(evidence.links).toEqual([]);
    expect(missingTitles(evidence)).toEqual([]);
  });

  it.each([...text.matchAll(/\]\(([a-z-]+\.md)(#[a-z-]+)?\)/g)].map(([, page]) => page!))(
    'links %s, which is there',
    (page) => {
      expect(existsSync(`docs/${page}`)).toBe(true);
    },
  );
});
