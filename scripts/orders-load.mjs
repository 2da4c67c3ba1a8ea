// `npm run orders:load`: the load of the orders sample, run in the sample's folder beside the running application.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const sample = fileURLToPath(new URL('../samples/orders', import.meta.url));
const { status } = spawnSync(process.execPath, ['dist/load/main.js', ...process.argv.slice(2)], {
  cwd: sample,
  stdio: 'inherit',
});
process.exit(status ?? 1);
