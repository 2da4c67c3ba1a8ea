import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Payment } from '../samples/orders/src/billing.listener.js';

// The orders sample as a process of its own, in a folder of its own, started and killed at will.

const MAIN = join(process.cwd(), 'samples/orders/dist/main.js');
const PROPERTIES = join(process.cwd(), 'samples/orders/application.properties');

export class OrdersApplication {
  readonly folder = mkdtempSync(join(tmpdir(), 'orders-'));
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(
    readonly port: number,
    readonly environment: Readonly<Record<string, string>>,
  ) {
    copyFileSync(PROPERTIES, join(this.folder, 'application.properties'));
  }

  static async create(environment: Readonly<Record<string, string>> = {}): Promise<OrdersApplication> {
    return new OrdersApplication(await freePort(), environment);
  }

  /** Starts the process; `ready` resolves with the ms it took, or rejects with its output when it ends before. */
  start(): { readonly ready: Promise<number> } {
    const started = performance.now();
    const child = spawn(process.execPath, [MAIN], {
      cwd: this.folder,
      env: { ...process.env, ...this.environment, PORT: String(this.port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#output = '';
    const ready = new Promise<number>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        this.#output = (this.#output + chunk.toString()).slice(-20_000);
        if (this.#output.includes('ready in')) resolve(performance.now() - started);
      };
      child.stdout?.on('data', hear);
      child.stderr?.on('data', hear);
      child.once('exit', (code, signal) => reject(new Error(`ended with ${signal ?? code}:\n${this.#output}`)));
    });
    ready.catch(() => undefined); // a start that is killed on purpose is nobody's error
    return { ready };
  }

  get pid(): number | undefined {
    return this.#child?.pid;
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

  payments(): Payment[] {
    const file = join(this.folder, '.nestdaw/payments.jsonl');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line) => {
        try {
          return line === '' ? [] : [JSON.parse(line) as Payment];
        } catch {
          return []; // a line that a kill cut short
        }
      });
  }

  async remove(): Promise<void> {
    await this.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
