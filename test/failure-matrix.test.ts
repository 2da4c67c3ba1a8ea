import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { evidenceOf, missingTitles } from './support/evidence.js';

// Every line of docs/failure-matrix.md names what proves it: tests by their titles, and proofs, that are there.

const rows = readFileSync('docs/failure-matrix.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('|---') && !line.startsWith('| When |'));

const proofs = ['proofs', 'proofs/guarantees'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/\bname: '([a-z-]+)'/g)])
    .map(([, name]) => name!),
);

describe('docs/failure-matrix.md', () => {
  it('has lines for every stage', () => {
    expect(rows.length).toBeGreaterThan(50);
    expect(proofs).toEqual(expect.arrayContaining(['broker-kill', 'transactions', 'outbox', 'dedup-sql']));
  });

  it.each(rows)('%s', (row) => {
    const evidence = evidenceOf(row);
    expect(evidence.tests.length + evidence.proven.length).toBeGreaterThan(0);
    expect(evidence.links).toEqual([]);
    expect(missingTitles(evidence)).toEqual([]);
    expect(evidence.proven.filter((name) => !proofs.includes(name))).toEqual([]);
  });
});
