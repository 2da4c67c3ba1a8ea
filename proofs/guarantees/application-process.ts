import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

// The application under proof as a process of its own, started and killed at will.

export class ApplicationProcess {
  #child: ChildProcess | undefined;
  #output = '';

  constructor(
    readonly name: string,
    readonly folder: string,
    readonly environment: Readonly<Record<string, string>>,
  ) {}

  /** The last lines that it printed. */
  get output(): string {
    return this.#output;
  }

  /** Starts it; resolves when it says that it is ready, or ends before. */
  start(): Promise<void> {
    const main = join(process.cwd(), 'dist/tools/proofs/guarantees/applications', `${this.name}.js`);
    const child = spawn(process.execPath, ['--enable-source-maps', main], {
      cwd: this.folder,
      env: { ...process.env, ...this.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    return new Promise((resolve) => {
      const hear = (chunk: Buffer): void => {
        const text = chunk.toString();
        this.#output = (this.#output + text).slice(-8_000);
        if (text.includes('READY')) resolve();
      };
      child.stdout?.on('data', hear);
      child.stderr?.on('data', hear);
      child.once('exit', () => resolve());
    });
  }

  /** Kills it and resolves when it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    child.kill(signal);
    await gone;
  }
}
