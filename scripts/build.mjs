// Builds the package: ES modules into dist/esm, CommonJS into dist/cjs. `--esm` builds only the first.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const compile = (project) =>
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], { cwd: root, stdio: 'inherit' });

compile('tsconfig.build.json');
if (!process.argv.includes('--esm')) {
  compile('tsconfig.cjs.json');
  mkdirSync(`${root}/dist/cjs`, { recursive: true });
  writeFileSync(`${root}/dist/cjs/package.json`, '{"type":"commonjs"}\n');
}
