import { DONE, type RecordInvoker } from '../../src/runtime/listener/listener-endpoint.js';
import { type Contest, type Measured, type Row } from '../row.js';
import { records, runFromMemory } from './memory-feed.js';

// One key whose handler does not come back: what the others wait, from their arrival to their handler's end.

const COUNT = 8_000;
const PER_MS = 2;
const WORKERS = 64;
const HANDLER_MS = 5;
const KEYS = 997;
const STALLED = 'key-7';

async function latency(isStalled: boolean): Promise<Measured> {
  const feed = records(COUNT, (i) => `key-${i % KEYS}`);
  const stalledOnes = feed.filter(({ key }) => key!.toString() === STALLED).length;
  const arrivedAt = new Float64Array(COUNT);
  const waits: number[] = [];
  let left = COUNT - stalledOnes;
  const handler =
    (done: () => void): RecordInvoker =>
    ({ key, offset }) => {
      const isOne = key!.toString() === STALLED;
      // For longer than the run, so that it is never finished in it.
      if (isOne && isStalled) return new Promise(() => undefined);
      return new Promise((resolve) => {
        setTimeout(() => {
          if (!isOne) {
            waits.push(performance.now() - arrivedAt[offset]!);
            if (--left === 0) done();
          }
          resolve(DONE);
        }, HANDLER_MS);
      });
    };
  const settings = { shutdownTimeoutMs: 50, maxPollIntervalMs: 600_000 };
  await runFromMemory(
    feed,
    { workers: WORKERS, order: 'key', gapMap: true },
    handler,
    settings,
    undefined,
    (source) => {
      let arrived = 0;
      source.available = 0;
      const started = performance.now();
      const timer = setInterval(() => {
        const now = performance.now();
        const due = Math.min(COUNT, Math.floor((now - started) * PER_MS));
        arrivedAt.fill(now, arrived, due);
        arrived = due;
        source.available = due;
        if (due === COUNT) clearInterval(timer);
      }, 1);
    },
  );
  waits.sort((a, b) => a - b);
  const at = (share: number): number => waits[Math.floor(waits.length * share)]!;
  return { value: at(0.99), beside: { 'p50 ms': at(0.5), 'longest ms': waits.at(-1)! } };
}

export const listenerStallRows: readonly Row[] = [
  {
    name: 'listener stalled key',
    unit: 'ms, p99 of the other keys',
    better: 'lower',
    peerName: 'the same without a stalled key',
    goal: 0.9,
    settings: `${COUNT} records that arrive ${PER_MS} a ms, ${WORKERS} workers in key order, handlers of ${HANDLER_MS} ms; the handler of one key in ${KEYS} never ends`,
    prepare: (): Promise<Contest> =>
      Promise.resolve({
        ours: () => latency(true),
        peer: () => latency(false),
        close: () => Promise.resolve(),
      }),
  },
];
