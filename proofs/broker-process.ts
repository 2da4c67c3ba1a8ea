import { type ChildProcess, spawn } from 'node:child_process';

// `nestdaw broker` as a process of its own on a folder that outlives it, started and killed at will.

const MAIN = 'dist/cjs/cli/main.js';

export interface BrokerStart {
  readonly port: number;
  /** Ms from spawning the process until it said that it is ready. */
  readonly readyMs: number;
}

export class BrokerProcess {
  #child: ChildProcess | undefined;
  #output = '';

  constructor(
    readonly directory: string,
    readonly settings: Readonly<Record<string, string>> = {},
    /** Default: another free one at each start. */
    readonly port = 0,
  ) {}

  /** The last lines that the process printed. */
  get output(): string {
    return this.#output;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process; rejects with its output when it ends before it is ready. */
  start(): Promise<BrokerStart> {
    const overrides = Object.entries(this.settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
    const started = performance.now();
    const child = spawn(
      process.execPath,
      [MAIN, 'broker', '--port', String(this.port), '--data-dir', this.directory, '--verbose', ...overrides],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child = child;
    this.#output = '';
    const ready = new Promise<BrokerStart>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        this.#output = (this.#output + chunk.toString()).slice(-20_000);
        const match = /ready on \S+:(\d+),/.exec(this.#output);
        if (match) resolve({ port: Number(match[1]), readyMs: performance.now() - started });
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('exit', (code, signal) => reject(new Error(`ended with ${signal ?? code}:\n${this.#output}`)));
    });
    ready.catch(() => undefined); // a start that is killed on purpose is nobody's error
    return ready;
  }

  /** Sends the signal and resolves when the process is gone. */
  kill(signal: NodeJS.Signals): Promise<void> {
    return new Promise((resolve) => {
      const child = this.#child;
      if (!child || child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', () => resolve());
      child.kill(signal);
    });
  }
}
