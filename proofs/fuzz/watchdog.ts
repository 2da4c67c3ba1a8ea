import { Worker } from 'node:worker_threads';

// Ends the process when the main thread hangs: an endless loop cannot be interrupted from within.

const SOURCE = `
const { workerData, parentPort } = require('node:worker_threads');
const beat = new Int32Array(workerData.shared);
let last = -1;
setInterval(() => {
  if (beat[0] === last) {
    process._rawDebug('HANG: no progress for ' + workerData.limitMs + ' ms at input ' + beat[0] + ', seed ' + workerData.seed);
    process.kill(process.pid, 'SIGKILL');
  }
  last = beat[0];
}, workerData.limitMs).unref();
parentPort.ref();
`;

export class Watchdog {
  readonly #beat: Int32Array;
  readonly #worker: Worker;

  constructor(limitMs: number, seed: number) {
    const shared = new SharedArrayBuffer(4);
    this.#beat = new Int32Array(shared);
    this.#worker = new Worker(SOURCE, { eval: true, workerData: { shared, limitMs, seed } });
    this.#worker.unref();
  }

  /** Says that all is well. */
  progress(input: number): void {
    this.#beat[0] = input;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
