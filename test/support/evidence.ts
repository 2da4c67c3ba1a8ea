import { existsSync, readFileSync } from 'node:fs';

// What a line of a table in docs/ names as its proof: tests by file and title, and proofs by name.

export interface Evidence {
  readonly tests: ReadonlyArray<{ readonly path: string; readonly title: string }>;
  readonly proven: readonly string[];
  readonly links: readonly string[];
}

/** Of the last cell: `[text](../path) “title”, “title”` and `prove guarantees name name` in backticks. */
export function evidenceOf(row: string): Evidence {
  const cell = row.split('|').at(-2)!;
  const linked = [...cell.matchAll(/\]\(\.\.\/([^)]+)\)((?:,? “[^”]+”)*)/g)].map(([, path, titles]) => ({
    path: path!,
    titles: [...titles!.matchAll(/“([^”]+)”/g)].map(([, title]) => title!),
  }));
  return {
    tests: linked.flatMap(({ path, titles }) => titles.map((title) => ({ path, title }))),
    proven: [...cell.matchAll(/`(?:prove )?(?:guarantees )?([^`]+)`/g)].flatMap(([, names]) => names!.split(' ')),
    links: linked.filter(({ titles }) => titles.length === 0).map(({ path }) => path),
  };
}

/** Titles that no test of their file has; empty when all are there. */
export function missingTitles({ tests }: Evidence): string[] {
  return tests.flatMap(({ path, title }) => {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    return [`'${title}'`, `"${title}"`, `\`${title}\``].some((quoted) => text.includes(quoted))
      ? []
      : [`${path}: ${title}`];
  });
}
