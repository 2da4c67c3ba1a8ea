import { type KafkaRecord } from '../../src/common/record.js';
import { defaultErrorHandler } from '../../src/runtime/listener/failures/error-handler.js';
import {
  DONE,
  type ListenerEndpoint,
  type Outcome,
  type RecordInvoker,
} from '../../src/runtime/listener/listener-endpoint.js';
import { type Contest, type Row } from '../row.js';
import { records, runFromMemory } from './memory-feed.js';

// What the container itself costs, without a broker: records come from memory. Pools beside a bare loop of the same
// sleeps with the same workers, in the same run.

/** Counts down, then says so. */
const counted =
  (count: number) =>
  (done: () => void): RecordInvoker => {
    let left = count;
    return () => {
      if (--left === 0) done();
      return DONE;
    };
  };

/** A handler that waits: the same function on both sides, so that only what calls it differs. */
const wait = (ms: number, ended: () => void): Promise<Outcome> =>
  new Promise((resolve) => {
    setTimeout(() => {
      ended();
      resolve(DONE);
    }, ms);
  });

const sleeping =
  (count: number, ms: number) =>
  (done: () => void): RecordInvoker => {
    let left = count;
    const ended = () => {
      if (--left === 0) done();
    };
    return () => wait(ms, ended);
  };

/** The same handlers without anything around them: so many loops that each call one, again and again. */
async function bareLoop(count: number, workers: number, ms: number): Promise<number> {
  let left = count;
  let open = count;
  const ended = () => {
    open--;
  };
  const started = performance.now();
  const loop = async (): Promise<void> => {
    while (left-- > 0) await wait(ms, ended);
  };
  await Promise.all(Array.from({ length: workers }, loop));
  if (open !== 0) throw new Error(`${open} handlers have not ended`);
  return performance.now() - started;
}

const noClose = () => Promise.resolve();

/** Against a figure that is asked for, not against somebody. */
function budget(
  name: string,
  unit: string,
  goal: string,
  limit: number,
  settings: string,
  ours: () => Promise<number>,
): Row {
  return {
    name,
    unit,
    better: 'lower',
    peerName: goal,
    goal: 1,
    settings,
    prepare: (): Promise<Contest> => Promise.resolve({ ours, peer: () => Promise.resolve(limit), close: noClose }),
  };
}

function workRow(name: string, limitUs: number, count: number, keys: number | null): Row {
  const order = keys === null ? 'partition order' : `key order, ${keys.toLocaleString('en')} keys`;
  return budget(
    `listener work ${name}`,
    'CPU µs/record',
    `the budget of ${limitUs} µs`,
    limitUs,
    `${count} records from memory, ${order}, a handler that returns at once`,
    async () => {
      const feed = records(count, (i) => (keys === null ? null : `key-${(i * 7919) % keys}`));
      const endpoint: Partial<ListenerEndpoint> = keys === null ? {} : { workers: 64, order: 'key', gapMap: true };
      return ((await runFromMemory(feed, endpoint, counted(count))).cpuMs * 1_000) / count;
    },
  );
}

/** The same records in one partition, and in runs of twenty that go round many. */
function partitionsRow(partitions: number, order: 'partition' | 'key'): Row {
  const count = 1_000_000;
  const endpoint: Partial<ListenerEndpoint> = order === 'key' ? { workers: 64, order, gapMap: true } : {};
  const keyOf = (i: number): string | null => (order === 'key' ? `key-${(i * 7919) % 10_000}` : null);
  return {
    name: `listener partitions ${partitions} ${order}`,
    unit: 'CPU µs/record',
    better: 'lower',
    peerName: 'one partition',
    goal: 0.8,
    settings: `${count} records from memory in ${order} order, a handler that returns at once`,
    prepare: (): Promise<Contest> => {
      const run = async (feed: readonly KafkaRecord[]): Promise<number> =>
        ((await runFromMemory(feed, endpoint, counted(count))).cpuMs * 1_000) / count;
      const [many, one] = [records(count, keyOf, partitions), records(count, keyOf)];
      return Promise.resolve({ ours: () => run(many), peer: () => run(one), close: noClose });
    },
  };
}

/** All keys alive at once: everything is received before the first handler ends. */
function liveKeysRow(keys: number, limitUs: number): Row {
  return budget(
    `listener live keys ${keys}`,
    'CPU µs/record',
    `the budget of ${limitUs} µs`,
    limitUs,
    `${keys} records of as many keys, all received before the first handler ends`,
    async () => {
      const feed = records(keys, (i) => `key-${i}`);
      const all = { budgetRecords: keys * 2, budgetBytes: 2 ** 40, budgetMemory: 2 ** 40, budgetUncommitted: keys * 2 };
      let open: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      let left = keys;
      let isFirst = true;
      const handler =
        (done: () => void): RecordInvoker =>
        () => {
          if (--left === 0) done();
          if (!isFirst) return DONE;
          isFirst = false;
          return gate.then(() => DONE);
        };
      const endpoint = { workers: 1, order: 'key', gapMap: true } as const;
      return ((await runFromMemory(feed, endpoint, handler, all, () => open())).cpuMs * 1_000) / keys;
    },
  );
}

function poolRow(ms: number, workers: number, keys: number): Row {
  // About a second, so that what a start costs is no part of it, and twenty rounds of all workers at least.
  const count = Math.max(workers * 20, Math.min(400_000, Math.floor((workers / ms) * 1_000)));
  return {
    name: `listener pool ${ms} ms ${workers} workers ${keys} keys`,
    unit: 'records/s',
    better: 'higher',
    peerName: 'a bare loop of the same handlers',
    goal: 0.95,
    settings: `${count} records from memory, key order, handlers of ${ms} ms`,
    prepare: (): Promise<Contest> => {
      const feed = records(count, (i) => `key-${(i * 7919) % keys}`);
      const endpoint = { workers, order: 'key', gapMap: true } as const;
      return Promise.resolve({
        ours: async () => (count * 1_000) / (await runFromMemory(feed, endpoint, sleeping(count, ms))).ms,
        peer: async () => (count * 1_000) / (await bareLoop(count, workers, ms)),
        close: noClose,
      });
    },
  };
}

/** One record in five has the same key; the others must not notice. */
function hotKeyRow(): Row {
  const count = 20_000;
  const workers = 64;
  const ms = 5;
  const timeOthers = async (feed: readonly KafkaRecord[]): Promise<number> => {
    let others = feed.filter(({ key }) => key!.toString() !== 'hot').length;
    const total = others;
    const started = performance.now();
    let took = 0;
    const handler =
      (done: () => void): RecordInvoker =>
      ({ key }) =>
        new Promise((resolve) => {
          setTimeout(() => {
            if (key!.toString() !== 'hot' && --others === 0) {
              took = performance.now() - started;
              done();
            }
            resolve(DONE);
          }, ms);
        });
    const wide = { budgetRecords: count, budgetUncommitted: count * 2, shutdownTimeoutMs: 50 };
    await runFromMemory(feed, { workers, order: 'key', gapMap: true }, handler, wide);
    return (total * 1_000) / took;
  };
  return {
    name: 'listener hot key',
    unit: 'other records/s',
    better: 'higher',
    peerName: 'the same without a hot key',
    goal: 0.9,
    settings: `${count} records, 20 % of them on one key, ${workers} workers, handlers of ${ms} ms`,
    prepare: (): Promise<Contest> => {
      const hot = records(count, (i) => (i % 5 === 0 ? 'hot' : `key-${i % 9_973}`));
      const even = records(count, (i) => `key-${i % 9_973}`);
      return Promise.resolve({ ours: () => timeOthers(hot), peer: () => timeOthers(even), close: noClose });
    },
  };
}

function failingRow(): Row {
  const count = 1_000_000;
  // Both sides look for hundredths: a remainder costs as much as a twentieth of a record.
  const rate = async (feed: readonly KafkaRecord[], outcome: Outcome): Promise<number> => {
    const settings = { errorHandler: defaultErrorHandler() };
    let left = count;
    const handler =
      (done: () => void): RecordInvoker =>
      (record, { attempt }) => {
        if (attempt === 1 && record.offset % 100 === 0 && outcome !== DONE) return outcome;
        if (--left === 0) done();
        return DONE;
      };
    return (
      (count * 1_000) /
      (await runFromMemory(feed, { workers: 64, order: 'key', gapMap: true }, handler, settings)).cpuMs
    );
  };
  return {
    name: 'listener failing 1 %',
    unit: 'records/CPU s',
    better: 'higher',
    peerName: 'the same without failures',
    goal: 0.97,
    settings: `${count} records from memory in key order, every hundredth fails once and is delivered again`,
    prepare: (): Promise<Contest> => {
      const feed = records(count, (i) => `key-${i % 997}`);
      const [ours, peer] = [() => rate(feed, { status: 'failed', error: FAILURE }), () => rate(feed, DONE)];
      return Promise.resolve({ ours, peer, close: noClose });
    },
  };
}

const FAILURE = new Error('once');

const backOffRow = budget(
  'listener backoff',
  'ms',
  '100 ms + 5',
  105,
  'the only record of an idle topic fails once; the delay before its next delivery is 100 ms',
  async () => {
    let failedAt = 0;
    let again = 0;
    const settings = { errorHandler: defaultErrorHandler({ backoff: () => 100 }) };
    const handler =
      (done: () => void): RecordInvoker =>
      (_record, { attempt }) => {
        if (attempt === 1) {
          failedAt = performance.now();
          return { status: 'failed', error: FAILURE };
        }
        again = performance.now();
        done();
        return DONE;
      };
    await runFromMemory(
      records(1, () => 'a'),
      {},
      handler,
      settings,
    );
    return again - failedAt;
  },
);

export const listenerWorkRows: readonly Row[] = [
  workRow('partition', 1, 500_000, null),
  workRow('key', 2, 500_000, 10_000),
  partitionsRow(5_000, 'partition'),
  partitionsRow(5_000, 'key'),
  liveKeysRow(1_000_000, 4),
  hotKeyRow(),
  failingRow(),
  backOffRow,
  ...[1, 5, 10, 100].flatMap((ms) =>
    [16, 64, 256, 1_000].flatMap((workers) => [10_000, 100_000].map((keys) => poolRow(ms, workers, keys))),
  ),
];
