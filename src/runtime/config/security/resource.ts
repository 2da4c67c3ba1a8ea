import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// A resource as Spring writes it: a path, `file:`, `classpath:` (here the working directory) or `base64:`.

export interface Resource {
  /** For messages. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** Throws the file system's error for what cannot be read. */
export function readResource(location: string, cwd: string): Resource {
  if (/^base64:/i.test(location)) {
    return { name: 'base64:…', bytes: Buffer.from(location.slice('base64:'.length), 'base64') };
  }
  const path = pathOf(location, cwd);
  return { name: path, bytes: readFileSync(path) };
}

function pathOf(location: string, cwd: string): string {
  if (/^file:\/\//i.test(location)) return fileURLToPath(location);
  const plain = location.replace(/^file:/i, '').replace(/^classpath\*?:\/*/i, '');
  return isAbsolute(plain) ? plain : join(cwd, plain);
}
