import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '../../../src/common/logger.js';
import { type ContainerSettings } from '../../../src/runtime/listener/container-settings.js';
import { DONE } from '../../../src/runtime/listener/listener-endpoint.js';
import { type ConsumerRequest, type FromConsumerThread } from '../../../src/runtime/threads/consumer-messages.js';
import { ConsumerServer } from '../../../src/runtime/threads/consumer-server.js';
import { FakeConsumer, FakeKafka } from '../../support/fake-consumer.js';
import { endpointOf, TOPIC } from '../../support/listener-harness.js';
import { flush, ManualClock } from '../../support/manual-clock.js';

// The thread's side of a consumer with a thread of its own, in the test's event loop.

/** Starts consumer 0 of four, over three records of one key; `seen` is what its handler is called for. */
async function serve(settings: Partial<ContainerSettings>) {
  const clock = new ManualClock();
  const kafka = new FakeKafka();
  for (let i = 0; i < 3; i++) kafka.push(TOPIC, 0, 'a');
  const seen: string[] = [];
  const posted: FromConsumerThread[] = [];
  const invoke = ({ offset }: { offset: number }) => {
    seen.push(`${offset} at ${clock.monotonic()}`);
    return DONE;
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
  const ask = async (request: number, body: ConsumerRequest) => {
    server.receive({ type: 'ask', request, body });
    await flush(6);
    expect(posted).toContainEqual({ type: 'answer', request, error: undefined, committed: [] });
  };
  await ask(1, { do: 'start', workers: 1, isPaused: false, pausedPartitions: [] });
  const stop = async () => {
    await ask(2, { do: 'stop' });
    return kafka.committed.get(TOPIC, 0)?.offset;
  };
  return { clock, seen, stop };
}

describe('a consumer inside its thread', () => {
  it('has its part of the listener’s rate', async () => {
    const { clock, seen, stop } = await serve({ rate: { perSecond: 40, burst: 8 } });
    await clock.advance(1_000);
    expect(seen).toEqual(['0 at 0', '1 at 0', '2 at 100']);
    expect(await stop()).toBe(3);
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
