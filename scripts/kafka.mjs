// Fetches Apache Kafka from Maven Central and runs one KRaft node of it on loopback, for the tests that compare us
// with it.
//
//   node scripts/kafka.mjs start [--port 9092] [--data DIR]   runs in the foreground until Ctrl+C
//   node scripts/kafka.mjs fetch                              only downloads
//   node scripts/kafka.mjs run -- COMMAND …                   starts a fresh node, runs COMMAND with
//                                                             KAFKA_BOOTSTRAP_SERVERS set, stops the node
//
// Needs Java 17 and Maven. Exit code 77 means that one of them is missing.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const KAFKA_VERSION = '4.3.1';
const MISSING_TOOL = 77;
const home = fileURLToPath(new URL(`../.kafka/${KAFKA_VERSION}/`, import.meta.url));
export const libraries = join(home, 'libs');

/**
 * Short limits and time-outs, so that tests of them wait for little; the conformance suite gives them to our broker.
 */
export const LIMITS = JSON.parse(readFileSync(new URL('kafka-limits.json', import.meta.url), 'utf8'));

const ARTIFACTS = [
  `org.apache.kafka:kafka_2.13:${KAFKA_VERSION}`,
  `org.apache.kafka:kafka-tools:${KAFKA_VERSION}`,
  'org.slf4j:slf4j-nop:1.7.36',
];

const pomOf = (artifacts) => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>nestdaw</groupId><artifactId>libraries</artifactId><version>1</version>
  <dependencies>${artifacts.map(dependency).join('')}
  </dependencies>
</project>
`;

function dependency(artifact) {
  const [group, name, version] = artifact.split(':');
  return `
    <dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`;
}

/** Puts these artifacts (`group:name:version`) of Maven Central, with all that they need, into a folder. */
export function copyDependencies(artifacts, folder) {
  mkdirSync(folder, { recursive: true });
  const pom = join(folder, '..', `${basename(folder)}.pom.xml`);
  writeFileSync(pom, pomOf(artifacts));
  execFileSync('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

/** Names of the needed tools that this machine lacks. */
export function missingTools() {
  return ['java', 'mvn'].filter((tool) => {
    try {
      execFileSync(tool, ['-version'], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
}

/** Downloads Kafka and its libraries once; prints what it does, for it takes about a minute. */
export function fetchKafka() {
  if (existsSync(join(home, 'complete'))) return;
  const missing = missingTools();
  if (missing.length > 0) {
    console.error(`Apache Kafka needs ${missing.join(' and ')} on the PATH (Java 17 or newer, Maven 3.8 or newer).`);
    console.error('On Debian: apt-get install openjdk-17-jre-headless maven');
    process.exit(MISSING_TOOL);
  }
  console.error(`Fetching Apache Kafka ${KAFKA_VERSION} from Maven Central …`);
  copyDependencies(ARTIFACTS, libraries);
  writeFileSync(join(home, 'complete'), `${readdirSync(libraries).length} files\n`);
}

/** Runs a class of Kafka to its end and returns what it printed. */
export function kafkaTool(className, args, options = {}) {
  const settings = { encoding: 'utf8', maxBuffer: 1 << 28, ...options };
  return execFileSync('java', ['-cp', join(libraries, '*'), className, ...args], settings);
}

/** Starts one node and resolves when it accepts connections. */
export async function startKafka({ port, dataDir, quiet = true, overrides = {}, formatArgs = [], jvmArgs = [] }) {
  fetchKafka();
  const controllerPort = await freePort();
  // A quorum of one is named here, or (format --standalone) in the directory itself.
  const quorum = formatArgs.includes('--standalone')
    ? { 'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}` }
    : { 'controller.quorum.voters': `1@127.0.0.1:${controllerPort}` };
  mkdirSync(dataDir, { recursive: true });
  const config = join(dataDir, 'server.properties');
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    ...quorum,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(dataDir, 'logs'),
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    ...LIMITS,
    ...overrides,
  };
  writeFileSync(
    config,
    Object.entries(settings)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  const directories = settings['log.dirs'].split(',');
  if (directories.some((directory) => !existsSync(join(directory, 'meta.properties')))) {
    const clusterId = 'bmVzdGRhdy1wZWVyLTAwMQ';
    const format = ['format', '-t', clusterId, '-c', config, '--ignore-formatted', ...formatArgs];
    kafkaTool('kafka.tools.StorageTool', format, { stdio: 'pipe' });
  }
  const spawned = performance.now();
  const child = spawn(
    'java',
    ['-Xmx1g', '-Xms512m', '-XX:+UseG1GC', ...jvmArgs, '-cp', join(libraries, '*'), 'kafka.Kafka', config],
    { stdio: ['ignore', quiet ? 'ignore' : 'inherit', quiet ? 'ignore' : 'inherit'] },
  );
  await untilListening(port, child);
  return {
    readyMs: performance.now() - spawned,
    bootstrapServers: `127.0.0.1:${port}`,
    pid: child.pid,
    stop: (signal = 'SIGTERM') =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill(signal);
      }),
  };
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function untilListening(port, child) {
  const deadline = Date.now() + 60_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`Apache Kafka ended with code ${child.exitCode} while starting`);
    const open = await new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('connect', () => resolve(true) ?? socket.destroy());
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    if (Date.now() > deadline) throw new Error(`Apache Kafka does not listen on port ${port} after 60 s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function option(args, name) {
  const at = args.indexOf(name);
  return at === -1 ? undefined : args[at + 1];
}

async function main([command, ...args]) {
  if (command === 'fetch') return fetchKafka();
  if (command === 'start') {
    const port = Number(option(args, '--port') ?? 9092);
    const dataDir = option(args, '--data') ?? join(home, `data-${port}`);
    const kafka = await startKafka({ port, dataDir });
    console.log(
      `Apache Kafka ${KAFKA_VERSION} listens on ${kafka.bootstrapServers}, data in ${dataDir}. Ctrl+C stops it.`,
    );
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => kafka.stop().then(() => process.exit(0)));
    return;
  }
  if (command === 'run') {
    fetchKafka();
    const dataDir = mkdtempSync(join(tmpdir(), 'kafka-'));
    const end = args.indexOf('--');
    const overrides = Object.fromEntries(
      args.slice(0, end).flatMap((word, at) => (word === '-o' ? [args[at + 1].split(/=(.*)/s)] : [])),
    );
    const kafka = await startKafka({ port: await freePort(), dataDir, overrides });
    const [program, ...rest] = args.slice(end + 1);
    const env = { ...process.env, KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrapServers };
    const child = spawn(program, rest, { stdio: 'inherit', env });
    const code = await new Promise((resolve) => child.once('exit', (exit, signal) => resolve(signal ? 1 : exit)));
    await kafka.stop();
    rmSync(dataDir, { recursive: true, force: true });
    process.exit(code);
  }
  console.error(
    'usage: node scripts/kafka.mjs start [--port N] [--data DIR] | fetch | run [-o KEY=VALUE …] -- COMMAND …',
  );
  process.exit(2);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
