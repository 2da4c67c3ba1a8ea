// Packs the package and uses the tarball as strangers would: in a fresh Nest 12 application (ES modules) and in a
// stock Nest 11 project (CommonJS, ts-jest). Each is type-checked and its own `npm test` runs.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = (cwd, command, ...args) => execFileSync(command, args, { cwd, stdio: 'inherit' });

const packed = mkdtempSync(join(tmpdir(), 'nestdaw-pack-'));
run(root, 'npm', 'pack', '--silent', '--pack-destination', packed);
const tarball = join(
  packed,
  readdirSync(packed).find((name) => name.endsWith('.tgz')),
);

for (const project of ['nest-12-esm', 'nest-11-commonjs']) {
  const folder = mkdtempSync(join(tmpdir(), `${project}-`));
  cpSync(join(root, 'test/packaging', project), folder, { recursive: true });
  console.log(`\n${project}: installing`);
  run(folder, 'npm', 'install', '--silent', '--no-audit', '--no-fund', tarball);
  run(folder, 'npm', 'run', '--silent', 'typecheck');
  run(folder, 'npm', 'test', '--silent');
  rmSync(folder, { recursive: true, force: true });
}
rmSync(packed, { recursive: true, force: true });
console.log('\nThe packed package works in both.');
