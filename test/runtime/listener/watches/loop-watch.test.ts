import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Clock, sleep } from '../../../../src/common/clock.js';
import { type Logger, silentLogger } from '../../../../src/common/logger.js';
import { JoinGroup } from '../../../../src/protocol/messages/11-join-group.js';
import { LeaveGroup } from '../../../../src/protocol/messages/13-leave-group.js';
import { GroupConsumer } from '../../../../src/runtime/client/consumer/group-consumer.js';
import { type ContainerEvent } from '../../../../src/runtime/listener/container-events.js';
import { ListenerContainer } from '../../../../src/runtime/listener/listener-container.js';
import { DONE, type RecordInvoker } from '../../../../src/runtime/listener/listener-endpoint.js';
import { endpointOf } from '../../../support/listener-harness.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { ScriptedGroup } from '../../../support/scripted-group.js';

// Handlers that compute: time passes, and no timer runs.

const SESSION_MS = 30_000;
const SPIN_MS = 12_000;

describe('a handler that holds the event loop', () => {
  let clock: ManualClock;
  let group: ScriptedGroup;
  let events: Array<Extract<ContainerEvent, { type: 'loop-held' }>>;
  let warnings: string[];

  beforeEach(() => {
    clock = new ManualClock();
    group = new ScriptedGroup({ orders: 1 }, clock);
    events = [];
    warnings = [];
  });

  /** Time goes on at once; what was due meanwhile runs after the caller. */
  const spin = (ms: number): void => void clock.leap(ms);

  async function run(invoke: RecordInvoker, workers?: number): Promise<ListenerContainer> {
    const logger: Logger = { ...silentLogger, warn: (text) => void warnings.push(text) };
    group.append('orders', 0, 'a', 'b', 'c');
    const container = new ListenerContainer({
      endpoint: endpointOf({ handler: { kind: 'record', invoke }, workers, order: workers ? 'none' : 'partition' }),
      createConsumer: () =>
        new GroupConsumer({
          groupId: 'billing',
          topics: ['orders'],
          createCluster: group.script.open,
          autoOffsetReset: 'earliest',
          sessionTimeoutMs: SESSION_MS,
          random: { next: () => 0.5, bytes: (length) => Buffer.alloc(length) },
          clock: clock as Clock,
        }),
      clock,
      logger,
      settings: { sessionTimeoutMs: SESSION_MS },
    });
    container.onEvent((event) => void (event.type === 'loop-held' && events.push(event)));
    const started = container.start();
    for (let i = 0; i < 100; i++) await clock.advance(100);
    await started;
    await clock.advance(60_000);
    return container;
  }

  it('for 12 s of a session of 30 is named, and keeps its partition', async () => {
    const handled: number[] = [];
    await run(({ offset }) => {
      if (offset === 1) spin(SPIN_MS);
      handled.push(offset);
      return DONE;
    });
    expect(handled).toEqual([0, 1, 2]);
    expect(events.map(({ records, ms }) => [records.map(({ offset }) => offset), ms])).toEqual([[[1], SPIN_MS]]);
    const told = warnings.filter((text) => text.includes('the event loop was held'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(
      'for 12000 ms, more than a third of session.timeout.ms=30000, while the handler of orders-0 offset 1 ran',
    );
    expect(group.script.callsOf(JoinGroup)).toHaveLength(2);
    expect(group.script.callsOf(LeaveGroup)).toHaveLength(0);
  });

  it('after an await is named among those that are under way', async () => {
    await run(async ({ offset }) => {
      await sleep(clock, 4_000);
      if (offset === 0) spin(SPIN_MS);
      return DONE;
    }, 3);
    expect(events.map(({ records }) => records.map(({ offset }) => offset))).toEqual([[0, 1, 2]]);
    expect(warnings.join()).toContain('while handlers of orders-0 offset 0, orders-0 offset 1, orders-0 offset 2 ran');
  });

  it.each([
    ['less than a third of a session', (): void => spin(9_000)],
    ['long, but waiting', (): void => undefined],
  ])('for %s is not', async (_, work) => {
    await run(async () => {
      work();
      await sleep(clock, SPIN_MS);
      return DONE;
    });
    expect(events).toEqual([]);
  });
});
