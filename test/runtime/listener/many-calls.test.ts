import { describe, expect, it } from '@jest/globals';
import { type ListenerConsumer } from '../../../src/runtime/listener/listener-consumer.js';
import { DONE } from '../../../src/runtime/listener/listener-endpoint.js';
import { Harness, TOPIC } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

// A consumer is nobody's alone: whoever calls it, from handlers or from outside, is served in turn.

const PARTITIONS = 4;
const RECORDS = 40;
const CALLS = 10_000;

interface Call {
  readonly what: 'pause' | 'resume' | 'seek' | 'commit';
  readonly partition: number;
  readonly offset: number;
}

/** The same for the same seed. */
function randomCalls(seed: number): Call[] {
  let state = seed;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const kinds = ['pause', 'resume', 'resume', 'seek', 'commit'] as const;
  return Array.from({ length: CALLS }, () => ({
    what: kinds[next(kinds.length)]!,
    partition: next(PARTITIONS),
    offset: next(RECORDS),
  }));
}

function call(consumer: ListenerConsumer, { what, partition, offset }: Call): Promise<unknown> | undefined {
  const which = { topic: TOPIC, partition };
  if (what === 'seek') return consumer.seek(offset, which);
  if (what === 'commit') return consumer.commit();
  consumer[what](which);
  return undefined;
}

/** What stands at the end: who is paused, and what each partition delivered since it was moved last. */
async function played(calls: readonly Call[], atOnce: boolean) {
  const since = Array.from({ length: PARTITIONS }, (): number[] => []);
  const waiting = [...calls];
  const pending: Array<Promise<unknown>> = [];
  const inTurn = (consumer: ListenerConsumer): void => {
    const next = waiting.shift();
    const done = next && call(consumer, next);
    if (done) pending.push(done);
  };
  let consumer: ListenerConsumer | undefined;
  let startedPaused = 0;
  const harness = new Harness({
    partitions: PARTITIONS,
    endpoint: { workers: 8, order: 'key', gapMap: true },
    settings: { pollMaxRecords: 7 },
    invoke: async ({ partition, offset }, context) => {
      since[partition]!.push(offset);
      if (context.consumer!.paused().some((one) => one.partition === partition)) startedPaused++;
      consumer ??= context.consumer;
      if (atOnce) for (let times = 0; times < 20; times++) inTurn(context.consumer!);
      await Promise.resolve();
      return DONE;
    },
  });
  harness.container.onEvent((event) => {
    if (event.type === 'sought') since[event.partition.partition] = [];
  });
  for (let partition = 0; partition < PARTITIONS; partition++) harness.push(RECORDS, () => 'k', partition);
  await harness.start();
  const poll = harness.consumer.poll.bind(harness.consumer);
  harness.consumer.poll = async (options) => {
    const polled = await poll(options);
    // What is called now finds records that belong neither to the client nor to the container.
    if (polled.length > 0) await flush(1);
    return polled;
  };
  while (consumer === undefined) await flush();
  while (waiting.length > 0) {
    if (atOnce) for (let times = 0; times < 50; times++) inTurn(consumer);
    else await call(consumer, waiting.shift()!);
    if (atOnce) await flush();
  }
  await Promise.all(pending);
  const paused = consumer.paused().map(({ partition }) => partition);
  consumer.resume();
  const ends = () => Array.from({ length: PARTITIONS }, (_, partition) => harness.committed(partition));
  for (let turns = 0; ends().some((end) => end !== RECORDS) && turns < 2_000; turns++) {
    await flush();
    await harness.clock.advance(100);
  }
  const committed = ends();
  await harness.container.stop();
  const errors = harness.log.filter((line) => !line.startsWith('log '));
  return { startedPaused, paused: paused.sort((a, b) => a - b), since, committed, errors };
}

describe('ten thousand random calls of pause, resume, seek and commit', () => {
  it.each([1, 2])('from handlers and from outside end as they do one after another: seed %s', async (seed) => {
    const calls = randomCalls(seed);
    const inSequence = await played(calls, false);
    const atOnce = await played(calls, true);
    expect(atOnce).toEqual(inSequence);
    expect(atOnce.errors).toEqual([]);
    expect(atOnce.startedPaused).toBe(0);
    expect(atOnce.committed).toEqual([RECORDS, RECORDS, RECORDS, RECORDS]);
    const last = (partition: number) => calls.findLast((one) => one.what === 'seek' && one.partition === partition)!;
    const expected = [0, 1, 2, 3].map((partition) => {
      const { offset } = last(partition);
      return Array.from({ length: RECORDS - offset }, (_, i) => offset + i);
    });
    expect(atOnce.since).toEqual(expected);
  });
});
