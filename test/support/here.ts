// `#here` for sources that run under Jest: the compiled ES build, where worker threads find their files.
export const buildRoot: URL = new URL('../../dist/esm/', import.meta.url);
