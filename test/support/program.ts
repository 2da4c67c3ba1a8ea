import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

// A program as a process of its own: started, listened to and killed at will, any number of times.

export interface Command {
  /** How errors call it. */
  readonly name: string;
  /** Default: this Node. */
  readonly program?: string;
  readonly args: readonly string[];
  readonly options?: Pick<SpawnOptions, 'cwd' | 'env' | 'uid' | 'gid'>;
}

const MOST_KEPT = 20_000;

export class Program {
  readonly command: Command;
  #child: ChildProcess | undefined;
  #ended: Promise<number | null> = Promise.resolve(null);
  #isKilled = false;
  #startedAt = 0;
  #output = '';
  readonly #looks = new Set<() => void>();

  constructor(command: Command) {
    this.command = command;
  }

  /** The last that it printed since its start, errors too. */
  get output(): string {
    return this.#output;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ms since its start. */
  get ageMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Resolves when it has ended and all that it printed is here: with its exit code, null after a signal. */
  get ended(): Promise<number | null> {
    return this.#ended;
  }

  start(): this {
    const { program = process.execPath, args, options } = this.command;
    this.#startedAt = performance.now();
    this.#isKilled = false;
    this.#output = '';
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const hear = (chunk: Buffer): void => {
      if (child !== this.#child) return; // the last words of one that was killed
      this.#output = (this.#output + chunk.toString()).slice(-MOST_KEPT);
      for (const look of this.#looks) look();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    this.#ended = new Promise((resolve) => child.once('close', (code) => resolve(code)));
    return this;
  }

  /** Resolves when what it printed matches; rejects with its output when it ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.#output);
        if (!match) return;
        this.#looks.delete(look);
        resolve(match);
      };
      const child = this.#child;
      this.#looks.add(look);
      look();
      void this.#ended.then(() => {
        this.#looks.delete(look);
        reject(new Error(`${this.#end(child)} before it said ${String(pattern)}:\n${this.#output}`));
      });
    });
  }

  /** @throws Error with its output when it has ended although nobody killed it */
  mustRun(): void {
    if (this.isRunning || this.#isKilled) return;
    throw new Error(`${this.#end(this.#child)} although nobody killed it:\n${this.#output}`);
  }

  /** Sends the signal and resolves when the process is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (!this.isRunning) return;
    this.#isKilled = true;
    const child = this.#child!;
    const gone = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    child.kill(signal);
    await gone;
  }

  #end(child: ChildProcess | undefined): string {
    return `${this.command.name} ended with ${child?.signalCode ?? child?.exitCode}`;
  }
}
