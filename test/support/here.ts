// `#here` for sources that run under Jest: the compiled ES build, where worker threads find their files.
export const buildRoot: URL = new URL('../../dist/esm/', import.meta.url);

export const loadModule = (url: string): Promise<Record<string, unknown>> =>
  import(url) as Promise<Record<string, unknown>>;
