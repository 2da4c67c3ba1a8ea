import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type PropertyEntry } from './property-source.js';

// A folder in which every file is one property: its path below the folder is the key, its content the value. This is
// how Kubernetes and Docker hand secrets to a process.

export function readConfigTree(folder: string): PropertyEntry[] {
  const entries: PropertyEntry[] = [];
  visit(folder, '', entries);
  return entries;
}

function visit(folder: string, prefix: string, entries: PropertyEntry[]): void {
  for (const name of readdirSync(folder).sort()) {
    // Kubernetes keeps the real files in `..data` beside links to them.
    if (name.startsWith('.')) continue;
    const path = join(folder, name);
    const key = `${prefix}${name}`;
    if (statSync(path).isDirectory()) visit(path, `${key}.`, entries);
    else entries.push({ key, value: withoutLastLineEnd(readFileSync(path, 'utf8')), origin: path });
  }
}

/** Editors end a one-line file with a line end that nobody means; a text of several lines (a certificate) stays. */
function withoutLastLineEnd(text: string): string {
  const trimmed = text.replace(/\r?\n$/, '');
  return trimmed.includes('\n') ? text : trimmed;
}
