import { beforeEach, describe, expect, it } from '@jest/globals';
import { sleep } from '../../../src/common/clock.js';
import { NestdawError } from '../../../src/common/errors.js';
import { silentLogger } from '../../../src/common/logger.js';
import { ErrorCode } from '../../../src/protocol/error-codes.js';
import { JoinGroup } from '../../../src/protocol/messages/11-join-group.js';
import { Heartbeat } from '../../../src/protocol/messages/12-heartbeat.js';
import { LeaveGroup } from '../../../src/protocol/messages/13-leave-group.js';
import { GroupConsumer } from '../../../src/runtime/client/consumer/group-consumer.js';
import { type ContainerSettings } from '../../../src/runtime/listener/container-settings.js';
import { ListenerContainer } from '../../../src/runtime/listener/listener-container.js';
import { endpointOf, GatedHandler, Harness } from '../../support/listener-harness.js';
import { flush, ManualClock } from '../../support/manual-clock.js';
import { ScriptedGroup } from '../../support/scripted-group.js';

// Handlers that take minutes, in a group, on a clock of the test's own.

const MINUTE = 60_000;

describe('a handler that takes minutes', () => {
  let clock: ManualClock;
  let group: ScriptedGroup;
  let handler: GatedHandler;
  let container: ListenerContainer;

  beforeEach(() => {
    clock = new ManualClock();
    group = new ScriptedGroup({ orders: 1 }, clock);
    handler = new GatedHandler();
  });

  async function start(settings: Partial<ContainerSettings>): Promise<void> {
    container = new ListenerContainer({
      endpoint: endpointOf({ handler: { kind: 'record', invoke: handler.invoke } }),
      createConsumer: () =>
        new GroupConsumer({
          groupId: 'billing',
          topics: ['orders'],
          createCluster: group.script.open,
          autoOffsetReset: 'earliest',
          maxPollIntervalMs: settings.maxPollIntervalMs ?? 300_000,
          random: { next: () => 0.5, bytes: (length) => Buffer.alloc(length) },
          clock,
        }),
      clock,
      logger: silentLogger,
      settings,
    });
    await settled(container.start());
    await clock.advance(1_000);
  }

  async function settled(promise: Promise<unknown>): Promise<void> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    void promise.catch(() => undefined).finally(done);
    for (let i = 0; i < 500 && !isDone; i++) await clock.advance(100);
    await promise;
  }

  /** Ends what runs, and what comes, until nothing is left. */
  async function finish(): Promise<void> {
    for (let i = 0; i < 20; i++) {
      await handler.endAll();
      await clock.advance(600);
    }
  }

  const committed = () => group.committed.get('orders-0')?.offset;

  it('keeps its partition for ten minutes: heartbeats never wait for it', async () => {
    group.append('orders', 0, 'a', 'b');
    await start({ maxPollIntervalMs: 15 * MINUTE });
    await clock.advance(10 * MINUTE);
    expect(group.script.callsOf(JoinGroup)).toHaveLength(2);
    expect(group.script.callsOf(LeaveGroup)).toHaveLength(0);
    expect(group.script.callsOf(Heartbeat).length).toBeGreaterThan(190);
    await finish();
    expect(handler.started).toEqual([0, 1]);
    expect(committed()).toBe(2);
    await settled(container.stop());
  });

  it('past the interval does not make those before it run again', async () => {
    group.append('orders', 0, ...Array.from({ length: 11 }, (_, i) => `r${i}`));
    await start({});
    for (let offset = 0; offset < 10; offset++) await handler.end(offset);
    await clock.advance(6 * MINUTE);
    await finish();
    // The eleventh is delivered again, for it counts as failed; the ten before it are not.
    expect(handler.started).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]);
    expect(group.script.callsOf(JoinGroup)).toHaveLength(2);
    expect(committed()).toBe(11);
    await settled(container.stop());
  });

  it('is noticed as well when its worker comes from one that took as long', async () => {
    const harness = new Harness({
      endpoint: { workers: 2, order: 'key' },
      settings: { slowHandler: 'warn' },
      invoke: handler.invoke,
    });
    harness.push(3, (i) => (i === 0 ? 'another' : 'same'));
    await harness.start();
    await harness.clock.advance(6 * MINUTE);
    await handler.end(0);
    await handler.end(1);
    await harness.clock.advance(6 * MINUTE);
    await handler.end(2);
    expect(harness.ofType('slow').map(({ record, ms }) => [record.offset, ms])).toEqual([
      [0, 4 * MINUTE],
      [1, 4 * MINUTE],
      [0, 5 * MINUTE],
      [1, 5 * MINUTE],
      [2, 4 * MINUTE],
      [2, 5 * MINUTE],
    ]);
    await harness.container.stop();
  });

  it('makes its consumer leave when that is the policy; it comes back when the handler has ended', async () => {
    group.append('orders', 0, 'a', 'b', 'c');
    await start({ slowHandler: 'leave' });
    await handler.end(0);
    const { signal } = handler.call(1).context;
    await clock.advance(5 * MINUTE);
    expect(group.script.callsOf(LeaveGroup)).toHaveLength(1);
    // What had finished was committed before, while the group still took it.
    expect(committed()).toBe(1);
    expect(signal.aborted).toBe(true);
    await clock.advance(MINUTE);
    expect(group.script.callsOf(JoinGroup)).toHaveLength(2);
    await handler.end(1);
    await clock.advance(1_000);
    expect(group.script.callsOf(JoinGroup)).toHaveLength(4);
    await finish();
    expect(handler.started).toEqual([0, 1, 1, 2]);
    expect(committed()).toBe(3);
    await settled(container.stop());
  });

  it('starts nothing more after its process stood still for longer than the session', async () => {
    group.append('orders', 0, 'a', 'b');
    await start({});
    group.script.on(Heartbeat, () => sleep(clock, 5).then(() => ({ errorCode: 0 })));
    // It ends first of all that is due when the process runs on.
    void sleep(clock, 40_000).then(() => handler.end(0));
    await clock.leap(MINUTE);
    await clock.advance(1_000);
    // Not the second one. What the first had finished was not committed: the next owner may have begun before it.
    expect(handler.started).toEqual([0, 0]);
    await finish();
    expect(handler.started).toEqual([0, 0, 1]);
    expect(committed()).toBe(2);
    await settled(container.stop());
  });

  it('stops at once while it is away', async () => {
    group.append('orders', 0, 'a');
    await start({ slowHandler: 'leave', shutdownTimeoutMs: 1_000 });
    await clock.advance(6 * MINUTE);
    await settled(container.stop());
    expect(container.state).toBe('stopped');
    expect(group.script.callsOf(JoinGroup)).toHaveLength(2);
  });

  it('three times with the same record: it is retried no more, whatever the policy', async () => {
    for (const slowHandler of ['abort', 'leave'] as const) {
      const one = new GatedHandler();
      const harness = new Harness({
        settings: { slowHandler, maxPollIntervalMs: 1_000 },
        invoke: one.invoke,
      });
      harness.push(2);
      await harness.start();
      for (let time = 1; time <= 3; time++) {
        await harness.clock.advance(1_000);
        await one.end(0);
      }
      expect(one.running.size).toBe(0);
      expect(harness.partition().parked).toBe(1);
      expect(harness.ofType('failed').at(-1)).toMatchObject({
        attempt: 3,
        decision: { action: 'pause-partition' },
        error: { code: 'KAFKA_HANDLER_TIMEOUT' },
      });
      expect(harness.committed()).toBe(0);
      await harness.container.stop();
    }
  });
});

describe('a container that fails', () => {
  const refused = new NestdawError('KAFKA_CONNECTION_FAILED', 'SASL: wrong password', { retriable: false });
  const forbidden = Object.assign(new Error('not for you'), { errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED });

  it.each([
    ['authentication', refused],
    ['authorization', forbidden],
  ])('starts again when %s was refused at its start and the settings say so', async (reason, error) => {
    const harness = new Harness({ settings: { authRetryMs: 1_000 } });
    const { committed } = harness.kafka;
    const get = committed.get.bind(committed);
    committed.get = () => {
      throw error;
    };
    await expect(harness.container.start()).rejects.toBe(error);
    await harness.clock.advance(1_000);
    expect(harness.container.state).toBe('failed');
    const tried = { type: 'auth-retry', reason, error, afterMs: 1_000 };
    expect(harness.ofType('auth-retry')).toEqual([tried, tried]);
    expect(harness.ofType('start-failed')).toHaveLength(2);
    committed.get = get;
    await harness.clock.advance(999);
    expect(harness.container.state).toBe('failed');
    await harness.clock.advance(1);
    expect(harness.container.state).toBe('running');
    expect(harness.ofType('auth-retry-successful')).toHaveLength(1);
    await harness.container.stop();
  });

  it('starts again when login was refused and the settings say so, until it is stopped', async () => {
    const harness = new Harness({ settings: { authRetryMs: 1_000 } });
    await harness.start();
    harness.consumer.fail(refused);
    await flush(6);
    expect(harness.container.state).toBe('failed');
    await harness.clock.advance(1_000);
    expect(harness.container.state).toBe('running');
    expect(harness.consumers).toHaveLength(2);
    expect(harness.ofType('stopped')).toEqual([{ type: 'stopped', reason: 'auth', cause: refused }]);
    expect(harness.ofType('auth-retry')).toEqual([
      { type: 'auth-retry', reason: 'authentication', error: refused, afterMs: 1_000 },
    ]);
    expect(harness.ofType('auth-retry-successful')).toHaveLength(1);
    harness.consumer.fail(refused);
    await flush(6);
    await harness.container.stop();
    await harness.clock.advance(5_000);
    expect(harness.consumers).toHaveLength(2);
    expect(harness.ofType('stopped').map(({ reason }) => reason)).toEqual(['auth', 'auth']);
    expect(harness.ofType('auth-retry-successful')).toHaveLength(1);
  });

  it('stays failed for another reason', async () => {
    const harness = new Harness({ settings: { authRetryMs: 1_000, startRetryMs: 1_000 } });
    await harness.start();
    harness.consumer.fail(new Error('broken'));
    await flush(6);
    await harness.clock.advance(5_000);
    expect(harness.container.state).toBe('failed');
    expect(harness.ofType('stopped').map(({ reason }) => reason)).toEqual(['error']);
    expect(harness.ofType('auth-retry')).toEqual([]);
  });

  it.each([
    ['KAFKA_NO_OFFSET', 'no-offset'],
    ['KAFKA_PRODUCER_FENCED', 'fenced'],
  ] as const)('says by its reason why it stopped: %s', async (code, reason) => {
    const harness = await new Harness({}).start();
    harness.consumer.fail(new NestdawError('KAFKA_STOPPED', 'it ends', { cause: new NestdawError(code, 'why') }));
    await flush(6);
    expect(harness.ofType('stopped').map((event) => event.reason)).toEqual([reason]);
  });
});
