import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Measured } from '../row.js';
import { compute } from './cpu-work.js';

// The same computing in threads with nothing around it: what the machine gives to so many threads.

interface Share {
  readonly calls: number;
  readonly hashes: number;
  /** Calls that somebody has taken. */
  readonly taken: Int32Array;
}

/** Threads that take calls from one count until all are done; started before the clock is. */
export async function runBare(threads: number, calls: number, hashes: number): Promise<Measured> {
  const share: Share = { calls, hashes, taken: new Int32Array(new SharedArrayBuffer(4)) };
  const workers = Array.from({ length: threads }, () => new Worker(new URL(import.meta.url), { workerData: share }));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const [start, before] = [performance.now(), process.cpuUsage()];
  for (const worker of workers) worker.postMessage('go');
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  await Promise.all(workers.map((worker) => worker.terminate()));
  return { value: (calls / ms) * 1_000, beside: { 'CPU µs/record': (user + system) / calls } };
}

if (!isMainThread && parentPort) {
  const port = parentPort;
  const { calls, hashes, taken } = workerData as Share;
  port.once('message', () => {
    while (Atomics.add(taken, 0, 1) < calls) compute(hashes);
    port.postMessage('done');
  });
  port.postMessage('ready');
}
