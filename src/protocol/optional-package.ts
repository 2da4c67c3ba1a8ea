import { createRequire } from 'node:module';
import { buildRoot } from '#here';
import { NestdawError } from '../common/errors.js';

// Loads CommonJS packages when they are first needed, in the same way from both builds: those that may be missing
// (native codecs, which npm leaves out where they do not install), and those whose exports ES modules do not see.

/** Resolves packages as this build does. */
export const requireFromHere: NodeJS.Require = createRequire(buildRoot);

/** The package, or undefined when it is not installed or does not load on this machine. */
export function optionalPackage<T>(name: string): T | undefined {
  try {
    return requireFromHere(name) as T;
  } catch {
    return undefined; // the caller has another way, or asks again through codecPackage, which keeps the reason
  }
}

/** The package that a codec needs. */
export function codecPackage<T>(codec: string, name: string, load: () => T = () => requireFromHere(name) as T): T {
  try {
    return load();
  } catch (cause) {
    throw new NestdawError(
      'KAFKA_CODEC_MISSING',
      `compression '${codec}' needs the package ${name}, which is not installed or does not load here: npm install ${name}`,
      { cause },
    );
  }
}
