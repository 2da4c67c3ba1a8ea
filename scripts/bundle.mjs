// Puts a program and all that it loads at its start into one file: finding and reading three hundred small ones takes
// Node longer than running them.
import { build } from 'esbuild';

/**
 * Writes the program `entry`, a source file, as CommonJS. What is imported when it is needed stays where it is in the
 * build, beside `outfile`, but for what ends with one of `early`.
 */
export function bundle({ entry, outfile, early }) {
  const lateStaysOutside = {
    name: 'late',
    setup({ onResolve }) {
      onResolve({ filter: /.*/ }, ({ kind, path }) => {
        const isLate = kind === 'dynamic-import' && !early.some((name) => path.endsWith(name));
        // Each build has its own `#here`.
        return isLate || path === '#here' ? { path, external: true } : undefined;
      });
    },
  };
  return build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    packages: 'external',
    legalComments: 'none',
    logLevel: 'warning',
    // An import of types alone loads nothing.
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: false } },
    plugins: [lateStaysOutside],
  });
}
