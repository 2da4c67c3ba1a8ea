import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

// Every line of docs/failure-matrix.md names what proves it: tests and proofs that are there.

const rows = readFileSync('docs/failure-matrix.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('|---') && !line.startsWith('| When |'));

const proofs = ['proofs', 'proofs/guarantees'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/\bname: '([a-z-]+)'/g)])
    .map(([, name]) => name!),
);

/** Paths and names of proofs in the last cell of a row. */
function evidenceOf(row: string): { readonly files: string[]; readonly proven: string[] } {
  const cell = row.split('|').at(-2)!;
  const files = [...cell.matchAll(/\]\(\.\.\/([^)]+)\)/g)].map(([, path]) => path!);
  const proven = [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!.replace(/^prove( guarantees)? /, ''));
  return { files, proven };
}

describe('docs/failure-matrix.md', () => {
  it('has lines for every stage', () => {
    expect(rows.length).toBeGreaterThan(50);
    expect(proofs).toEqual(expect.arrayContaining(['broker-kill', 'transactions', 'outbox', 'dedup-sql']));
  });

  it.each(rows)('%s', (row) => {
    const { files, proven } = evidenceOf(row);
    expect(files.length + proven.length).toBeGreaterThan(0);
    expect(
      files.filter((path) => !existsSync(path) || !/\b(it|test)(\.each)?\(/.test(readFileSync(path, 'utf8'))),
    ).toEqual([]);
    expect(proven.filter((name) => !proofs.includes(name))).toEqual([]);
  });
});
