import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// The CommonJS twin of here.esm.ts.

/** URL of the root folder of the running build, ending with a slash. */
export const buildRoot: URL = pathToFileURL(join(__dirname, '..', '/'));
