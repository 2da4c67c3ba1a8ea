import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

// Spring for Apache Kafka as a peer: compiled once against Maven Central's artifacts, run as a Java process.

const SPRING_KAFKA = '4.0.0';

interface Script {
  missingTools(): string[];
  copyDependencies(artifacts: readonly string[], folder: string): void;
}

interface Libraries {
  readonly title: string;
  /** Where they are kept, with their version. */
  readonly home: string;
  readonly version: string;
  /** Of Maven Central. */
  readonly artifacts: readonly string[];
}

const SPRING: Libraries = {
  title: 'Spring for Apache Kafka',
  home: 'spring-bench',
  version: SPRING_KAFKA,
  artifacts: [`org.springframework.kafka:spring-kafka:${SPRING_KAFKA}`, 'org.slf4j:slf4j-nop:2.0.17'],
};

/** Confluent's; it brings a Kafka client of its own version. */
export const PARALLEL_CONSUMER: Libraries = {
  title: 'Parallel Consumer',
  home: 'parallel-consumer-bench',
  version: '0.5.3.3',
  artifacts: ['io.confluent.parallelconsumer:parallel-consumer-core:0.5.3.3', 'org.slf4j:slf4j-nop:2.0.17'],
};

/** Class path with a program of bench/spring/; undefined, said aloud, where Java or Maven is missing. */
export async function springClassPath(program = 'SpringSend', libraries = SPRING): Promise<string | undefined> {
  const script = (await import(pathToFileURL('scripts/kafka.mjs').href)) as Script;
  const missing = [...script.missingTools(), ...(hasCompiler() ? [] : ['javac'])];
  if (missing.length > 0) {
    console.error(`SKIPPED: ${libraries.title} as a peer needs ${missing.join(' and ')}`);
    return undefined;
  }
  const home = resolve('.clients', libraries.home);
  const jars = join(home, 'jars');
  const done = join(home, `complete-${libraries.version}`);
  if (!existsSync(done)) {
    console.error(`Fetching ${libraries.title} ${libraries.version} from Maven Central …`);
    mkdirSync(home, { recursive: true });
    script.copyDependencies(libraries.artifacts, jars);
    writeFileSync(done, '');
  }
  const classes = join(home, 'classes');
  const classPath = join(jars, '*');
  const options = ['-nowarn', '-Xlint:none', '-cp', classPath, '-d', classes];
  execFileSync('javac', [...options, `bench/spring/${program}.java`], { stdio: ['ignore', 'inherit', 'inherit'] });
  return `${classes}:${classPath}`;
}

function hasCompiler(): boolean {
  try {
    execFileSync('javac', ['-version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** One virtual machine with a template in it. */
export class SpringTemplate {
  readonly #child: ChildProcessWithoutNullStreams;
  #text = '';
  #heard: () => void = () => undefined;

  constructor(classPath: string, servers: string, topic: string, valueBytes: number) {
    this.#child = spawn('java', ['-cp', classPath, 'SpringSend', servers, topic, String(valueBytes)]);
    this.#child.stderr.pipe(process.stderr);
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString();
      this.#heard();
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Resolves when it has sent its first record. */
  async ready(): Promise<void> {
    await this.send(0);
  }

  /** Ms that so many sends without waiting take, to the last acknowledgment. */
  async send(count: number): Promise<number> {
    this.#child.stdin.write(`${count}\n`);
    while (!this.#text.includes('\n')) {
      await new Promise<void>((heard) => {
        this.#heard = heard;
      });
    }
    const [line = '', ...rest] = this.#text.split('\n');
    this.#text = rest.join('\n');
    return Number(line);
  }

  async close(): Promise<void> {
    const ended = new Promise((end) => this.#child.once('exit', end));
    this.#child.stdin.end();
    await ended;
  }
}
