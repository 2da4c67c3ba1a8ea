// Clients of other makers against our broker: `npm run test:clients [-- name …]`. Each produces with every codec it
// has, consumes in a group, commits, transacts where the broker does, and prints one line. A client whose toolchain
// is missing is skipped by name. What has to be fetched is kept in .clients/.
//
// With KAFKA_BOOTSTRAP_SERVERS set they run against that cluster instead:
//   node scripts/kafka.mjs run -- node scripts/test-clients.mjs
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copyDependencies, fetchKafka, libraries, missingTools } from './kafka.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const kept = join(root, '.clients');
const programs = join(root, 'test', 'clients');
const CLIENT_TIMEOUT_MS = 100_000;
const END_TXN = 26;

const PYTHON_PACKAGES = ['kafka-python==3.0.12', 'confluent-kafka==2.16.1'];
const PLATFORMATIC = '@platformatic/kafka@1.35.0';
const SPRING_KAFKA = '4.0.0';

const has = (tool, ...args) => spawnSync(tool, args, { stdio: 'ignore' }).status === 0;

/** Runs what brings a toolchain's packages here, unless the same was brought before. */
function fetchOnce(name, wanted, fetch) {
  const mark = join(kept, `${name}.complete`);
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return;
  mkdirSync(kept, { recursive: true });
  fetch();
  writeFileSync(mark, wanted);
}

const quiet = { stdio: ['ignore', 'ignore', 'inherit'] };

function python(script) {
  return () => {
    if (!has('python3', '-m', 'venv', '--help')) return { missing: 'python3 with venv' };
    const venv = join(kept, 'venv');
    fetchOnce('python', PYTHON_PACKAGES.join(' '), () => {
      execFileSync('python3', ['-m', 'venv', venv], quiet);
      execFileSync(
        join(venv, 'bin', 'pip'),
        ['install', '-q', '--disable-pip-version-check', ...PYTHON_PACKAGES],
        quiet,
      );
    });
    return { command: [join(venv, 'bin', 'python'), join(programs, script)] };
  };
}

function missingJava() {
  const missing = [...missingTools(), ...(has('javac', '-version') ? [] : ['javac'])];
  return missing.length > 0 ? [...missing, '(Debian: apt-get install openjdk-17-jdk-headless maven)'] : [];
}

function javaPrograms(names, command) {
  const missing = missingJava();
  if (missing.length > 0) return { missing: missing.join(', ') };
  fetchKafka();
  const classes = join(kept, 'java');
  const classPath = join(libraries, '*');
  const sources = names.map((name) => join(programs, 'java', `${name}.java`));
  execFileSync('javac', ['-cp', classPath, '-d', classes, ...sources], quiet);
  return { command: command(`${classes}:${classPath}`) };
}

/** A program with Spring for Apache Kafka; `more` are arguments behind the others. */
function springProgram(name, command, more) {
  const missing = missingJava();
  if (missing.length > 0) return { missing: missing.join(', ') };
  const jars = join(kept, 'spring');
  fetchOnce('spring', SPRING_KAFKA, () => {
    rmSync(jars, { recursive: true, force: true });
    copyDependencies([`org.springframework.kafka:spring-kafka:${SPRING_KAFKA}`, 'org.slf4j:slf4j-nop:2.0.17'], jars);
  });
  const classes = join(kept, 'spring-classes');
  const libraries = join(jars, '*');
  const source = join(programs, 'spring', `${name}.java`);
  execFileSync('javac', ['-nowarn', '-Xlint:none', '-parameters', '-cp', libraries, '-d', classes, source], quiet);
  const classPath = `${classes}:${libraries}`;
  return { command: command(classPath), more: more?.(classPath) };
}

/**
 * How each client is made ready: a command to which servers, topic and "transactions" are added, or what is missing.
 */
const CLIENTS = {
  kcat: () =>
    has('kcat', '-V')
      ? { command: [process.execPath, join(programs, 'with-kcat.mjs')] }
      : { missing: 'kcat (Debian: apt-get install kcat)' },
  'kafka-python': python('with-kafka-python.py'),
  'confluent-kafka': python('with-confluent-kafka.py'),
  java: () => javaPrograms(['Client'], (classPath) => ['java', '-Xmx256m', '-cp', classPath, 'Client']),
  'mixed-group': () =>
    javaPrograms(['Member'], (classPath) => [process.execPath, join(programs, 'mixed-group.mjs'), classPath]),
  codecs: () => javaPrograms(['Codecs'], (classPath) => [process.execPath, join(programs, 'codecs.mjs'), classPath]),
  'spring-kafka': () =>
    springProgram('SpringClient', (classPath) => [
      ...['java', '-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', classPath, 'SpringClient'],
    ]),
  'spring-retries': () => {
    const script = join(programs, 'with-spring-retries.mjs');
    return springProgram(
      'Retries',
      () => [process.execPath, script],
      (classPath) => [classPath, root],
    );
  },
  'franz-go': () => {
    if (!has('go', 'version')) return { missing: 'go (1.24 or newer)' };
    const binary = join(kept, 'franz-go-client');
    execFileSync('go', ['build', '-o', binary, '.'], { ...quiet, cwd: join(programs, 'franz-go') });
    return { command: [binary] };
  },
  platformatic: () => {
    const packages = join(kept, 'npm');
    fetchOnce('npm', PLATFORMATIC, () => {
      mkdirSync(packages, { recursive: true });
      execFileSync(
        'npm',
        ['install', '--prefix', packages, '--no-audit', '--no-fund', '--loglevel=error', PLATFORMATIC],
        quiet,
      );
    });
    return { command: [process.execPath, join(programs, 'with-platformatic.mjs')], packages };
  },
};

/** The broker as its users start it. */
async function startBroker() {
  if (!process.env.NESTDAW_SKIP_BUILD) {
    execFileSync(process.execPath, ['scripts/build.mjs', '--esm'], { cwd: root, stdio: 'inherit' });
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'nestdaw-clients-'));
  const args = ['dist/esm/cli/main.js', 'broker', '--port', '0', '--data-dir', dataDir];
  const settings = ['-o', 'group.initial.rebalance.delay.ms=300'];
  const child = spawn(process.execPath, [...args, ...settings], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const [ready] = await once(child.stdout, 'data');
  const address = /127\.0\.0\.1:\d+/.exec(String(ready));
  if (!address) throw new Error(`the broker said: ${ready}`);
  const stop = async () => {
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    rmSync(dataDir, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the broker ended with code ${code}`);
  };
  return { servers: address[0], stop };
}

/** Keys of the requests that a broker answers, asked with ApiVersions 0. */
async function servedApis(servers) {
  const [host, port] = servers.split(':');
  const socket = connect({ host, port: Number(port) });
  // Size 10, key 18, version 0, correlation id 1, no client id.
  socket.write(Buffer.from('0000000a0012000000000001ffff', 'hex'));
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) break;
  }
  const count = bytes.readInt32BE(10);
  return Array.from({ length: count }, (_, i) => bytes.readInt16BE(14 + 6 * i));
}

async function runClient(name, { command, packages, more: given }, servers, transactions) {
  const topic = `${name}-${randomBytes(4).toString('hex')}`;
  const [program, ...args] = command;
  const more = given ?? (packages === undefined ? [] : [packages]);
  const started = performance.now();
  const child = spawn(program, [...args, servers, topic, String(transactions), ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: CLIENT_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (errors += chunk));
  const [code, signal] = await once(child, 'close');
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (code === 0) {
    console.log(`ok      ${output.trim()} (${seconds} s)`);
    return true;
  }
  console.log(`FAILED  ${name}: ${signal ? `no end after ${seconds} s` : `exit code ${code}`}`);
  console.log(`${output}${errors}`.trimEnd().replace(/^/gm, '        '));
  return false;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(CLIENTS, name));
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(', ')}. Clients: ${Object.keys(CLIENTS).join(', ')}`);
  process.exit(2);
}
const given = process.env.KAFKA_BOOTSTRAP_SERVERS;
const broker = given ? { servers: given, stop: async () => undefined } : await startBroker();
const transactions = (await servedApis(broker.servers)).includes(END_TXN);
const failed = [];
for (const [name, prepare] of Object.entries(CLIENTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const ready = prepare();
  if (ready.missing) console.log(`SKIPPED ${name}: needs ${ready.missing}`);
  else if (!(await runClient(name, ready, broker.servers, transactions))) failed.push(name);
}
await broker.stop();
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`);
  process.exit(1);
}
