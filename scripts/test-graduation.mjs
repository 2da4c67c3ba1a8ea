// Apache Kafka and this broker on one data directory, in turn: `npm run test:graduation`. It starts some twenty nodes,
// which takes two minutes, and is therefore no part of `npm test`. Needs Java 17 and Maven; exit code 77 without them.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { missingTools } from './kafka.mjs';

const missing = missingTools();
if (missing.length > 0) {
  console.error(`SKIPPED: graduation to Apache Kafka and back needs ${missing.join(' and ')} on the PATH`);
  process.exit(77);
}
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    'test/e2e/graduation.test.ts',
    ...process.argv.slice(2),
  ],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, NESTDAW_GRADUATION: '1' },
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);
