import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './orders-application.js';

// A sample as a process of its own, in a folder of its own, started and killed at will. It has to be built, and to log
// a line with `ready: `.

export class SampleProcess {
  readonly folder: string;
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(
    readonly name: string,
    readonly port: number,
    readonly environment: Readonly<Record<string, string>>,
  ) {
    this.folder = mkdtempSync(join(tmpdir(), `${name}-`));
    copyFileSync(
      join(process.cwd(), `samples/${name}/application.properties`),
      join(this.folder, 'application.properties'),
    );
  }

  static async create(name: string, environment: Readonly<Record<string, string>> = {}): Promise<SampleProcess> {
    return new SampleProcess(name, await freePort(), environment);
  }

  /** Resolves with the ms it took to be ready, or rejects with its output when it ends before. */
  start(): Promise<number> {
    const started = performance.now();
    const main = join(process.cwd(), `samples/${this.name}/dist/main.js`);
    const child = spawn(process.execPath, [main], {
      cwd: this.folder,
      env: { ...process.env, ...this.environment, PORT: String(this.port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#output = '';
    return new Promise<number>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        this.#output = (this.#output + chunk.toString()).slice(-20_000);
        if (this.#output.includes('ready: ')) resolve(performance.now() - started);
      };
      child.stdout?.on('data', hear);
      child.stderr?.on('data', hear);
      child.once('exit', (code, signal) => reject(new Error(`ended with ${signal ?? code}:\n${this.#output}`)));
    });
  }

  /** The last lines that the process printed. */
  get output(): string {
    return this.#output;
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

  async remove(): Promise<void> {
    await this.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
