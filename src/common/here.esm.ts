// Where this build lives on disk. The two builds differ in this one file only (`#here` in package.json's
// "imports"): ES modules know their own URL, CommonJS modules their own path.

/** URL of the root folder of the running build, ending with a slash. */
export const buildRoot: URL = new URL('../', import.meta.url);

/** Loads a module of the application by its URL. */
export const loadModule = (url: string): Promise<Record<string, unknown>> =>
  import(url) as Promise<Record<string, unknown>>;
