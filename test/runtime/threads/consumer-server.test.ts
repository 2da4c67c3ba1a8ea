import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '../../../src/common/logger.js';
import { type ContainerSettings } from '../../../src/runtime/listener/container-settings.js';
import { DONE, type Outcome } from '../../../src/runtime/listener/listener-endpoint.js';
import { type ConsumerRequest, type FromConsumerThread } from '../../../src/runtime/threads/consumer-messages.js';
import { ConsumerServer } from '../../../src/runtime/threads/consumer-server.js';
import { FakeConsumer, FakeKafka } from '../../support/fake-consumer.js';
import { endpointOf, TOPIC } from '../../support/listener-harness.js';
import { flush, ManualClock } from '../../support/manual-clock.js';

// The thread's side of a consumer with a thread of its own, in the test's event loop.

/** Starts consumer 0 of four, over three records of one key; `seen` is what its handler, `handle`, is called for. */
async function serve(settings: Partial<ContainerSettings>, handle: () => Promise<Outcome> | Outcome = () => DONE) {
  const clock = new ManualClock();
  const kafka = new FakeKafka();
  for (let i = 0; i < 3; i++) kafka.push(TOPIC, 0, 'a');
  const seen: string[] = [];
  const posted: FromConsumerThread[] = [];
  const invoke = ({ offset }: { offset: number }) => {
    seen.push(`${offset} at ${clock.monotonic()}`);
    return handle();
  };
  const server = new ConsumerServer({
    index: 0,
    endpoint: endpointOf({ concurrency: 4, handler: { kind: 'record', invoke } }),
    settings,
    createConsumer: () => new FakeConsumer(kafka, clock, [{ topic: TOPIC, partition: 0 }]),
    clock,
    logger: silentLogger,
    post: (message) => posted.push(message),
  });
  const request = async (number: number, body: ConsumerRequest) => {
    server.receive({ type: 'ask', request: number, body });
    await flush(6);
  };
  const answers = () => posted.flatMap((message) => (message.type === 'answer' ? [message.request] : []));
  const ask = async (number: number, body: ConsumerRequest) => {
    await request(number, body);
    expect(posted).toContainEqual({ type: 'answer', request: number, error: undefined, committed: [] });
  };
  await ask(1, { do: 'start', workers: 1, isPaused: false, pausedPartitions: [] });
  const stop = async () => {
    await ask(2, { do: 'stop' });
    return kafka.committed.get(TOPIC, 0)?.offset;
  };
  return { clock, seen, stop, request, answers, server };
}

describe('a consumer inside its thread', () => {
  it('has its part of the listener’s rate', async () => {
    const { clock, seen, stop } = await serve({ rate: { perSecond: 40, burst: 8 } });
    await clock.advance(1_000);
    expect(seen).toEqual(['0 at 0', '1 at 0', '2 at 100']);
    expect(await stop()).toBe(3);
  });

  it.each([
    [true, [['0'], [1, 3]], [['0'], [1, 3]]],
    [
      false,
      [['0'], [1]],
      [
        ['0', '1', '2'],
        [1, 3],
      ],
    ],
  ])('pauses, pauseImmediate %s, and answers when nothing starts any more', async (pauseImmediate, first, later) => {
    const gates: Array<() => void> = [];
    const handle = () => new Promise<Outcome>((resolve) => gates.push(() => resolve(DONE)));
    const { seen, request, answers, server } = await serve({ pauseImmediate }, handle);
    const state = () => [seen.map((one) => one[0]), answers()];
    await request(3, { do: 'pause' });
    expect(state()).toEqual(first);
    for (const at of [0, 1, 2]) {
      gates[at]?.();
      await flush(6);
    }
    expect(state()).toEqual(later);
    server.receive({ type: 'resume' });
    await flush(6);
    expect(seen).toHaveLength(pauseImmediate ? 2 : 3);
  });

  it('has the whole rate of a key, whose records come to no other', async () => {
    const { clock, seen, stop } = await serve({ rate: { perSecond: 40, perKey: true } });
    await clock.advance(1_000);
    expect(seen).toEqual(['0 at 0', '1 at 25', '2 at 50']);
    expect(await stop()).toBe(3);
  });

  it('has the interceptors around its handler', async () => {
    const log: number[] = [];
    const { seen, stop } = await serve({
      recordInterceptors: [
        {
          intercept: (record) => (record.offset === 1 ? null : record),
          afterRecord: ({ offset }) => void log.push(offset),
        },
      ],
    });
    expect(seen).toEqual(['0 at 0', '2 at 0']);
    expect(log).toEqual([0, 2]);
    expect(await stop()).toBe(3);
  });
});
