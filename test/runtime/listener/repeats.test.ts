import { describe, expect, it } from '@jest/globals';
import { DONE, type ListenerEndpoint } from '../../../src/runtime/listener/listener-endpoint.js';
import { GatedHandler, Harness } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

// What is delivered again after a process was killed when 200 records of a poll of 500 were handled. The numbers stand
// in docs/guarantees.md.

const RECORDS = 500;
const HANDLED = 200;

interface Repeats {
  /** Deliveries after the crash. */
  readonly delivered: number;
  /** Those among them that had been handled before. */
  readonly again: number;
}

async function killed(
  endpoint: Partial<ListenerEndpoint>,
  { stuck }: { readonly stuck?: number } = {},
): Promise<Repeats> {
  const handler = new GatedHandler();
  const harness = new Harness({ endpoint, invoke: handler.invoke, settings: { pollMaxRecords: RECORDS } });
  harness.push(RECORDS, (i) => `k${i}`);
  await harness.start();
  const handled = new Set<number>();
  while (handled.size < HANDLED) {
    for (const call of handler.running) {
      if (call.record.offset === stuck || handled.size === HANDLED) continue;
      handled.add(call.record.offset);
      call.end.resolve(DONE);
    }
    await flush();
  }
  await harness.clock.advance(5_000);
  harness.consumer.crash();

  const delivered: number[] = [];
  const next = new Harness({
    kafka: harness.kafka,
    endpoint,
    invoke: ({ offset }) => {
      delivered.push(offset);
      return DONE;
    },
  });
  await next.start();
  await flush(20);
  await next.clock.advance(5_000);
  expect(next.committed()).toBe(RECORDS);
  await next.container.stop();
  return { delivered: delivered.length, again: delivered.filter((offset) => handled.has(offset)).length };
}

describe('a kill at 200 of 500', () => {
  it('repeats the poll where it is committed as a whole: at most 500', async () => {
    expect(await killed({})).toEqual({ delivered: 500, again: 200 });
    expect(await killed({ workers: 64, order: 'key', gapMap: true })).toEqual({ delivered: 500, again: 200 });
  });

  it('repeats nothing that was committed record by record', async () => {
    expect(await killed({ ackMode: 'RECORD' })).toEqual({ delivered: 300, again: 0 });
  });

  it('repeats only what was unfinished in a pool, though the first record hangs: the gap map', async () => {
    const pool = { workers: 64, order: 'key', ackMode: 'TIME', ackTimeMs: 1_000 } as const;
    expect(await killed({ ...pool, gapMap: true }, { stuck: 0 })).toEqual({ delivered: 300, again: 0 });
    expect(await killed({ ...pool, gapMap: false }, { stuck: 0 })).toEqual({ delivered: 500, again: 200 });
  });
});

describe('a handler that acknowledges before its effect', () => {
  it('has it at most once: a crash between the two loses it, and nothing comes again', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({
      endpoint: { ackMode: 'MANUAL_IMMEDIATE' },
      invoke: async (record, context) => {
        await context.acknowledgment!.acknowledge();
        return handler.invoke(record, context);
      },
    });
    harness.push(3);
    await harness.start();
    await flush(10);
    await handler.end(0);
    expect(handler.started).toEqual([0, 1]);
    harness.consumer.crash();
    const next = new Harness({
      kafka: harness.kafka,
      endpoint: { ackMode: 'MANUAL_IMMEDIATE' },
      invoke: handler.invoke,
    });
    await next.start();
    expect(handler.started).toEqual([0, 1, 2]);
    await handler.endAll();
    await next.container.stop();
  });
});
