import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { pathToFileURL } from 'node:url';

// Spring for Apache Kafka as a peer: a program of bench/spring/ in a JVM that stays up, so that it is warm. Needs Java
// 17 (with javac) and Maven, which brings the libraries from Maven Central once.

const VERSION = '4.0.0';
const KEPT = '.clients';

interface KafkaScript {
  missingTools(): string[];
  copyDependencies(artifacts: readonly string[], folder: string): void;
}

export class SpringPeer {
  readonly #lines: AsyncIterator<string>;

  private constructor(
    readonly child: ChildProcess,
    readonly reader: Interface,
  ) {
    this.#lines = reader[Symbol.asyncIterator]();
  }

  /** Undefined, said aloud, where the peer cannot be had. */
  static async start(program: string, args: readonly string[]): Promise<SpringPeer | undefined> {
    const classPath = await compiled(program);
    if (classPath === undefined) return undefined;
    const child = spawn('java', ['-Xmx512m', '-cp', classPath, program, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    return new SpringPeer(child, createInterface({ input: child.stdout }));
  }

  /** Hands it one line and resolves with the number that it answers. */
  async ask(line: string): Promise<number> {
    this.child.stdin!.write(`${line}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the Spring program has ended');
    return Number(value);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.stdin!.end();
    await ended;
  }
}

async function compiled(program: string): Promise<string | undefined> {
  const script = (await import(pathToFileURL('scripts/kafka.mjs').href)) as KafkaScript;
  const missing = [...script.missingTools(), ...(hasCompiler() ? [] : ['javac'])];
  if (missing.length > 0) {
    console.error(`SKIPPED: spring-kafka as a peer needs ${missing.join(' and ')}`);
    return undefined;
  }
  const jars = join(KEPT, 'spring');
  const mark = join(KEPT, 'spring.complete');
  if (!existsSync(mark) || readFileSync(mark, 'utf8') !== VERSION) {
    rmSync(jars, { recursive: true, force: true });
    mkdirSync(KEPT, { recursive: true });
    const artifacts = [`org.springframework.kafka:spring-kafka:${VERSION}`, 'org.slf4j:slf4j-nop:2.0.17'];
    script.copyDependencies(artifacts, join(process.cwd(), jars));
    writeFileSync(mark, VERSION);
  }
  const classes = join(KEPT, 'spring-bench');
  execFileSync('javac', ['-nowarn', '-cp', join(jars, '*'), '-d', classes, `bench/spring/${program}.java`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return `${classes}:${join(jars, '*')}`;
}

function hasCompiler(): boolean {
  try {
    execFileSync('javac', ['-version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
