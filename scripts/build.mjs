// Builds the package: ES modules into dist/esm, CommonJS into dist/cjs. `--esm` builds only the first.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const compile = (project) =>
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], { cwd: root, stdio: 'inherit' });

compile('tsconfig.build.json');
// Editors complete configuration keys from it.
const { configurationMetadata } = await import('../dist/esm/runtime/config/reference/metadata.js');
writeFileSync(`${root}/dist/spring-configuration-metadata.json`, `${JSON.stringify(configurationMetadata())}\n`);
if (!process.argv.includes('--esm')) {
  compile('tsconfig.cjs.json');
  mkdirSync(`${root}/dist/cjs`, { recursive: true });
  // The nearest package.json decides the module format, and with it where `#here` points.
  const scope = { type: 'commonjs', imports: { '#here': './common/here.cjs.js' } };
  writeFileSync(`${root}/dist/cjs/package.json`, `${JSON.stringify(scope)}\n`);
  // The command line begins with the broker: it is what most of its users wait for.
  await bundle({
    entry: `${root}/src/cli/main.ts`,
    outfile: `${root}/dist/cjs/cli/nestdaw.js`,
    early: ['/broker/broker.js'],
  });
}
