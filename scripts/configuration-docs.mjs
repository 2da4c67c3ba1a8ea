// Writes what is made from the table of configuration keys: docs/configuration.md.
// Needs dist/esm (`npm run docs:configuration` builds it first).
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { referencePage } from '../dist/esm/runtime/config/reference/reference-page.js';

const page = fileURLToPath(new URL('../docs/configuration.md', import.meta.url));
writeFileSync(page, referencePage());
console.log(`wrote ${page}`);
