import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { type Measured } from './row.js';
import { springClassPath } from './spring.js';

// A program of bench/spring/ in a JVM that stays up, so that it is warm: a line in, a number out, or two.

export class SpringPeer {
  readonly #lines: AsyncIterator<string>;

  private constructor(
    readonly child: ChildProcess,
    readonly reader: Interface,
  ) {
    this.#lines = reader[Symbol.asyncIterator]();
  }

  /** Undefined, said aloud, where the peer cannot be had. */
  static async start(
    program: string,
    args: readonly string[],
    libraries?: Parameters<typeof springClassPath>[1],
  ): Promise<SpringPeer | undefined> {
    const classPath = await springClassPath(program, libraries);
    if (classPath === undefined) return undefined;
    const child = spawn('java', ['-Xmx512m', '-cp', classPath, program, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    return new SpringPeer(child, createInterface({ input: child.stdout }));
  }

  /** Hands it one line and resolves with the number that it answers; a second one is its CPU for each record, in µs. */
  async ask(line: string): Promise<number | Measured> {
    this.child.stdin!.write(`${line}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the Spring program has ended');
    const [figure, cpu] = value.split(' ').map(Number) as [number, number?];
    return cpu === undefined ? figure : { value: figure, beside: { 'CPU µs/record': cpu } };
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.stdin!.end();
    await ended;
  }
}
