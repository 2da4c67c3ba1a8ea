// Kafka's own command-line tools against our broker and against a fresh Apache Kafka: every command of a scenario runs
// on both at the same time, and what it prints and how it ends must be the same. What must differ (ids, times, ports)
// is put out of sight first, see normalize.mjs.
//
//   node scripts/kafka-tools.mjs [--only TEXT] [--verbose]
//
// Needs Java 17 and Maven (exit code 77 without), and dist/esm.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchKafka, freePort, KAFKA_VERSION, LIMITS, startKafka } from './kafka.mjs';
import { difference, normalize } from './kafka-tools/normalize.mjs';
import { scenarios } from './kafka-tools/scenarios.mjs';
import { ToolHost } from './kafka-tools/tool-host.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const libraries = join(root, '.kafka', KAFKA_VERSION, 'libs', '*');
const TIME_LIMIT_MS = 60_000;
const TRIES = 6;
const PAUSE_MS = 300;
/** On both brokers, so that no group waits for members that never come, and nobody for the cleaner. */
const SETTINGS = { 'group.initial.rebalance.delay.ms': '0', 'log.cleaner.backoff.ms': '300' };
/** A tool lives for a second: what the JVM would gain by compiling well is never paid back. */
const JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto', '-Xmx256m', '-Duser.timezone=UTC'];

async function main(args) {
  const only = args.includes('--only') ? args[args.indexOf('--only') + 1] : '';
  const verbose = args.includes('--verbose');
  if (!existsSync(join(root, 'dist/esm/cli/main.js')))
    throw new Error('dist/esm is missing: node scripts/build.mjs --esm');
  fetchKafka();
  const folder = mkdtempSync(join(tmpdir(), 'kafka-tools-'));
  const started = performance.now();
  const start = (directories) =>
    Promise.all([startOurs(join(folder, 'ours'), directories), startTheirs(join(folder, 'theirs'), directories)]);
  let brokers = await start(['logs']);
  const hosts = hasCompiler() ? brokers.map(() => new ToolHost([...JVM, '-cp', libraries])) : [];
  let failures = 0;
  let commands = 0;
  try {
    for (const [name, steps] of Object.entries(scenarios)) {
      if (only !== '' && !only.split(',').includes(name)) continue;
      // A stopped broker has written what it keeps in memory while it runs, indexes above all.
      if (name === 'files' || name === 'directories') await Promise.all(brokers.map((broker) => broker.stop()));
      if (name === 'directories') brokers = await start(['logs', 'logs-more']);
      for (const [i, broker] of brokers.entries()) broker.host = hosts[i];
      for (const step of steps) {
        commands++;
        if (!(await compare(name, step, brokers, folder, verbose))) failures++;
      }
    }
  } finally {
    for (const host of hosts) host.stop();
    await Promise.all(brokers.map((broker) => broker.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${commands} commands on both brokers in ${seconds} s, ${failures} with a difference`);
  return failures === 0 ? 0 : 1;
}

/** Runs one step on both; true when they agree, and ours is as the step wants it. */
async function compare(scenario, step, brokers, folder, verbose) {
  let problems = [];
  let seen = '';
  for (let i = 0; i < (isReading(step) ? TRIES : 1); i++) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const [ours, theirs] = await Promise.all(brokers.map((broker) => runOn(broker, step, folder)));
    seen = normalize(ours, step);
    problems = step.differs ? [] : difference(seen, normalize(theirs, step));
    for (const text of step.contains ?? []) {
      if (!seen.includes(text)) problems.push(`ours does not contain: ${text}`);
    }
    if (problems.length === 0) break;
  }
  console.log(`${problems.length === 0 ? 'ok  ' : 'DIFF'} ${scenario}: ${titleOf(step)}`);
  if (verbose) console.log(indented(seen));
  if (problems.length > 0) console.log(indented(problems.join('\n')));
  return problems.length === 0;
}

const titleOf = (step) => step.name ?? step.args('', {}).slice(2).join(' ');

/** Apache Kafka tells of a change before all its parts have heard of it: who only looks may look again. */
function isReading(step) {
  return step.beside === undefined && step.args('', {}).some((word) => /^(--describe|--list|describe)$/.test(word));
}

const indented = (text) => text.replace(/^/gm, '       ');

async function runOn(broker, step, folder) {
  const place = { ...broker, folder: join(folder, broker.name) };
  if (step.before) await step.before(place);
  const background = (step.beside ?? []).map((other) => ownProcess(other, place).child);
  try {
    if (step.until) await until(() => quietly(step.until, place), `${step.name} on ${broker.name}`);
    const tries = step.tries ?? 1;
    for (let i = 1; ; i++) {
      const result = await runTool(step, place);
      if (i >= tries || step.ready?.(result)) return result;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  } finally {
    for (const child of background) child.kill('SIGKILL');
  }
}

async function quietly(step, place) {
  return step.ready(await runTool(step, place));
}

async function until(condition, what) {
  const deadline = Date.now() + TIME_LIMIT_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} is not ready after ${TIME_LIMIT_MS / 1000} s`);
  }
}

/** A Java development kit can run all tools in one virtual machine; with only a runtime each has its own. */
function hasCompiler() {
  return execFileSync('java', ['--list-modules'], { encoding: 'utf8' }).includes('jdk.compiler');
}

async function runTool(step, place) {
  const { tool, args, input = '' } = step;
  if (!place.host) return ownProcess(step, place).done;
  return { ...(await place.host.run(tool, args(place.bootstrapServers, place), input)), place };
}

function ownProcess({ tool, args, input = '' }, place) {
  const command = [...JVM, '-cp', libraries, tool, ...args(place.bootstrapServers, place)];
  let child;
  const done = new Promise((resolve) => {
    child = execFile('java', command, { timeout: TIME_LIMIT_MS, maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      resolve({ status: error ? (error.code ?? error.signal) : 0, stdout, stderr, place }),
    );
    child.stdin.end(input);
  });
  return { child, done };
}

async function startTheirs(folder, directories) {
  const port = await freePort();
  // Without leader replicas to elect from, as our directories are.
  const formatArgs = ['--feature', 'eligible.leader.replicas.version=0'];
  const overrides = { ...SETTINGS, 'log.dirs': directories.map((name) => join(folder, name)).join() };
  const kafka = await startKafka({ port, dataDir: folder, overrides, formatArgs });
  return { name: 'theirs', bootstrapServers: kafka.bootstrapServers, logs: join(folder, 'logs'), stop: kafka.stop };
}

async function startOurs(folder, directories) {
  const port = await freePort();
  const logs = join(folder, 'logs');
  const places = { 'log.dirs': directories.map((name) => join(folder, name)).join() };
  const overrides = Object.entries({ ...LIMITS, ...SETTINGS, ...places }).flatMap(([key, value]) => [
    '--override',
    `${key}=${value}`,
  ]);
  const child = spawn(process.execPath, ['dist/esm/cli/main.js', 'broker', '--port', String(port), ...overrides], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', (code) => reject(new Error(`our broker ended with code ${code}`)));
  });
  return {
    name: 'ours',
    bootstrapServers: `127.0.0.1:${port}`,
    logs,
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve();
        child.removeAllListeners('exit');
        child.once('exit', resolve);
        child.kill('SIGTERM');
      }),
  };
}

process.exit(await main(process.argv.slice(2)));
