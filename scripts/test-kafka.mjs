// The tests that speak to a cluster, against the one that KAFKA_BOOTSTRAP_SERVERS names: `npm run test:kafka` starts a
// fresh Apache Kafka for them, and another one whose groups form at once for those of listeners (`listeners`), which
// delete the topics and groups that each of them makes: a cluster for tests alone, one after another.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

if (!process.env.KAFKA_BOOTSTRAP_SERVERS) {
  console.error('KAFKA_BOOTSTRAP_SERVERS is not set; `npm run test:kafka` starts Apache Kafka and sets it.');
  process.exit(2);
}
const LISTENERS = 'listeners';
const [first, ...others] = process.argv.slice(2);
const suites =
  first === LISTENERS
    ? ['test/runtime/nest/listeners', 'test/runtime/nest/strategy', ...others]
    : [
        'test/e2e',
        'test/conformance',
        'test/runtime/client',
        'test/samples',
        'test/runtime/template/template-on-broker',
        ...process.argv.slice(2),
      ];
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    // The first requests to a node that has just started take their time.
    '--testTimeout=60000',
    // They share the cluster.
    '--maxWorkers=1',
    ...suites,
  ],
  { cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: 'inherit' },
);
process.exit(status ?? 1);
