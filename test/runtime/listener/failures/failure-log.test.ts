import { describe, expect, it } from '@jest/globals';
import { defaultErrorHandler, type ErrorHandler } from '../../../../src/runtime/listener/failures/error-handler.js';
import { DONE, type RecordInvoker } from '../../../../src/runtime/listener/listener-endpoint.js';
import { failed, Harness } from '../../../support/listener-harness.js';
import { flush } from '../../../support/manual-clock.js';

const failsOnce: RecordInvoker = (_record, { attempt }) => (attempt === 1 ? failed() : DONE);
const goOn: ErrorHandler = () => {
  return { action: 'recover', recoverer: { recover: () => undefined, description: 'sent on' }, isRetriedThere: true };
};
const warnings = (harness: Harness) => harness.log.filter((line) => line.startsWith('warn'));

describe('many records that fail at once', () => {
  it.each([
    ['run again', failsOnce, defaultErrorHandler(), 'It runs again in 0 ms.', 'for the first time and run again'],
    ['go on to be retried', () => failed(), goOn, 'It is sent on.', 'and were handed on to be retried'],
  ])('and %s are told by ten lines and a sum within a second, then anew', async (...given) => {
    const [, invoke, errorHandler, each, sum] = given;
    const harness = new Harness({ invoke, settings: { errorHandler }, endpoint: { workers: 4, order: 'key' } });
    harness.push(200, (i) => `key-${i}`);
    await harness.start();
    await flush(300);
    expect(harness.committed()).toBe(200);
    expect(warnings(harness)).toHaveLength(10);
    expect(warnings(harness)[9]).toContain(`offset 9, delivery 1: boom. ${each}`);
    expect(harness.ofType('failed')).toHaveLength(200);

    await harness.clock.advance(1_000);
    expect(warnings(harness)[10]).toContain(`190 more records failed within the same second ${sum}`);

    harness.push(1, () => 'late');
    await flush(10);
    expect(warnings(harness)).toHaveLength(12);
    expect(warnings(harness)[11]).toContain('offset 200');
    await harness.container.stop();
  });

  it('are summed up at the stop at the latest', async () => {
    const harness = new Harness({ invoke: failsOnce });
    harness.push(11);
    await harness.start();
    await harness.container.stop();
    expect(warnings(harness)).toHaveLength(11);
    expect(warnings(harness)[10]).toContain('1 more record failed');
  });

  it('are each told when that ends their way', async () => {
    const errorHandler = defaultErrorHandler({ retries: 0, exhausted: 'skip' });
    const harness = new Harness({ invoke: () => failed(), settings: { errorHandler } });
    harness.push(50);
    await harness.start();
    expect(harness.log.filter((line) => line.includes('skipped and committed'))).toHaveLength(50);
    await harness.container.stop();
  });

  it('are each told when they end there', async () => {
    const errorHandler = defaultErrorHandler({ retries: 0, recoverer: () => undefined });
    const harness = new Harness({ invoke: () => failed(), settings: { errorHandler } });
    harness.push(50);
    await harness.start();
    await flush(100);
    expect(warnings(harness)).toHaveLength(50);
    await harness.container.stop();
  });
});

describe('a record that failed once', () => {
  it('is the next one, before other keys that wait; from the second failure on it waits for its turn', async () => {
    const ran: string[] = [];
    const harness = new Harness({
      endpoint: { workers: 1, order: 'key' },
      invoke: (record, { attempt }) => {
        ran.push(`${record.offset}#${attempt}`);
        return record.offset === 0 && attempt < 3 ? failed() : DONE;
      },
    });
    harness.push(3, (i) => `key-${i}`);
    await harness.start();
    expect(ran).toEqual(['0#1', '0#2', '1#1', '2#1', '0#3']);
    await harness.container.stop();
  });
});
