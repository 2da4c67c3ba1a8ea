import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { NestdawError } from '../../common/errors.js';

// The file of the module that threads open: found, or an error that says what to write instead.

/** Throws KAFKA_CONFIG_INVALID for what is no file that a thread could load. */
export function moduleHref(given: URL | string): string {
  const url = urlOf(given);
  const path = fileURLToPath(url);
  if (existsSync(path)) return url.href;
  const source = path.replace(/\.([cm]?)js$/, '.$1ts');
  const hint =
    source !== path && existsSync(source)
      ? `; there is ${source}, but a thread runs compiled JavaScript: build the application and name the built file. ` +
        'In tests that run from source, set kafka.listener.threads-enabled=false, and the handlers run in this thread'
      : '; give the compiled file of a Nest module that has the listeners among its providers';
  throw new NestdawError('KAFKA_CONFIG_INVALID', `${path} does not exist${hint}`);
}

/** A module that could not be loaded, with what may help. */
export function loadFailure(href: string, cause: unknown): NestdawError {
  const isTypeScript = /\.[cm]?ts$/.test(href);
  const why = cause instanceof Error ? cause.message : String(cause);
  const hint = isTypeScript
    ? ' It is TypeScript source, and a thread runs compiled JavaScript: name the built file. In tests that run from ' +
      'source, set kafka.listener.threads-enabled=false, and the handlers run in the main thread.'
    : '';
  return new NestdawError('KAFKA_CONFIG_INVALID', `the threads' module ${href} cannot be opened: ${why}.${hint}`, {
    cause,
  });
}

function urlOf(given: URL | string): URL {
  // A URL of another realm (Jest's) is no instance of ours.
  if (typeof given !== 'string') return new URL(given.href);
  if (given.startsWith('file:')) return new URL(given);
  if (isAbsolute(given)) return pathToFileURL(given);
  throw new NestdawError(
    'KAFKA_CONFIG_INVALID',
    `"${given}" is neither a URL nor an absolute path; write new URL('./worker.module.js', import.meta.url), or ` +
      "path.join(__dirname, 'worker.module.js')",
  );
}
