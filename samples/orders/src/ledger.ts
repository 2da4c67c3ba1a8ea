import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

// A file with one JSON line per entry. Stands in for the database of a real service: an entry that was appended
// survives a crash of the process.

export class Ledger<T> {
  readonly #file: number;
  /** What the file held when it was opened; a half-written last line is left out. */
  readonly found: readonly T[];

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, 'a+');
    const text = readFileSync(path, 'utf8');
    const end = text.lastIndexOf('\n') + 1;
    this.found = text
      .slice(0, end)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => parse<T>(line))
      .filter((entry) => entry !== undefined);
    if (end < text.length) writeSync(this.#file, '\n');
  }

  append(entry: T): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

function parse<T>(line: string): T | undefined {
  try {
    return JSON.parse(line) as T;
  } catch {
    return undefined; // a line that a crash cut short
  }
}
