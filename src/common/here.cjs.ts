import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// The CommonJS twin of here.esm.ts.

/** URL of the root folder of the running build, ending with a slash. */
export const buildRoot: URL = pathToFileURL(join(__dirname, '..', '/'));

/** Loads a module of the application by its URL. `import()` is compiled to a `require` here, which knows no URLs. */
export const loadModule = (url: string): Promise<Record<string, unknown>> =>
  Promise.resolve().then(() => require(fileURLToPath(url)) as Record<string, unknown>);
