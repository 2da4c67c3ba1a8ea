// Run after `npm install` changed package-lock.json. A registry mirror may not offer the native packages of other
// platforms; npm then leaves them out of the lock, and `npm ci` refuses the lock everywhere. This adds what is missing:
// version from the package that asks for it, platform from its name.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const lock = JSON.parse(readFileSync(file, 'utf8'));

const SYSTEMS = {
  android: 'android',
  darwin: 'darwin',
  win32: 'win32',
  freebsd: 'freebsd',
  linux: 'linux',
  openharmony: 'openharmony',
  wasi: 'wasi',
};
const PROCESSORS = {
  arm64: 'arm64',
  x64: 'x64',
  arm: 'arm',
  ia32: 'ia32',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  loong64: 'loong64',
  wasm32: 'wasm32',
  universal: undefined,
};

function platformOf(name) {
  const words = name.split('/').pop().split(/[-_.]/);
  const find = (table) => words.map((word) => table[word]).find((value) => value !== undefined);
  const [os, cpu] = [find(SYSTEMS), find(PROCESSORS)];
  const libc = words.includes('musl') ? 'musl' : words.includes('gnu') ? 'glibc' : undefined;
  return {
    ...(cpu ? { cpu: [cpu] } : {}),
    ...(os === 'linux' && libc ? { libc: [libc] } : {}),
    ...(os && os !== 'wasi' ? { os: [os] } : {}),
  };
}

let added = 0;
for (const [path, parent] of Object.entries(lock.packages)) {
  if (path === '') continue;
  for (const [name, range] of Object.entries(parent.optionalDependencies ?? {})) {
    const own = `${path}/node_modules/${name}`;
    const top = `node_modules/${name}`;
    if (lock.packages[own] || lock.packages[top]) continue;
    const flags = parent.dev ? { dev: true } : {};
    lock.packages[top] = { version: range.replace(/^[\^~]/, ''), ...platformOf(name), ...flags, optional: true };
    added++;
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
lock.packages = Object.fromEntries(sorted);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} packages of other platforms added to package-lock.json`);
