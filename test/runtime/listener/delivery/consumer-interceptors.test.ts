import { describe, expect, it } from '@jest/globals';
import { type KafkaRecord } from '../../../../src/common/record.js';
import { type CommitOffset } from '../../../../src/runtime/client/consumer-client.js';
import { type ConsumerInterceptor } from '../../../../src/runtime/listener/delivery/consumer-interceptors.js';
import { DONE } from '../../../../src/runtime/listener/listener-endpoint.js';
import { Harness } from '../../../support/listener-harness.js';
import { flush } from '../../../support/manual-clock.js';

/** What a container delivers of four records in two partitions, with these interceptors around its consumer. */
async function delivered(...consumerInterceptors: ConsumerInterceptor[]) {
  const seen: string[] = [];
  const harness = new Harness({
    partitions: 2,
    settings: { consumerInterceptors },
    invoke: ({ partition, offset, value }) => {
      seen.push(`${partition}:${offset}${value!.toString()}`);
      return DONE;
    },
  });
  harness.push(2, () => null, 0);
  harness.push(2, () => null, 1);
  await harness.start();
  await flush(10);
  await harness.container.stop();
  const { counters } = harness.container.describe().consumers[0] ?? { counters: undefined };
  return { seen: seen.sort(), harness, counters };
}

const ALL = ['0:0', '0:1', '1:0', '1:1'];
const marked = (record: KafkaRecord, mark: string): KafkaRecord => ({
  ...record,
  value: Buffer.from(`${record.value!.toString()}${mark}`),
});

describe('interceptors of a consumer', () => {
  it('see each poll before it is delivered, and each commit after it', async () => {
    const happened: string[] = [];
    const committed: CommitOffset[][] = [];
    const interceptor: ConsumerInterceptor = {
      onConsume: (records) => {
        happened.push(`poll of ${records.length}`);
        return records;
      },
      onCommit: (offsets) => void committed.push([...offsets]),
    };
    const { seen, harness } = await delivered(interceptor);
    expect(happened).toEqual(['poll of 4']);
    expect(seen).toEqual(ALL);
    expect(committed).toEqual(harness.consumer.commits);
    expect(committed.flat().map(({ partition, offset }) => `${partition}:${offset}`)).toEqual(
      expect.arrayContaining(['0:2', '1:2']),
    );
  });

  it('get what the one before them made, and may put other records in the places of those they got', async () => {
    const mark = (text: string): ConsumerInterceptor => ({
      onConsume: (records) => records.map((one) => marked(one, text)),
    });
    const { seen } = await delivered(mark('a'), mark('b'));
    expect(seen).toEqual(ALL.map((place) => `${place}ab`));
  });

  it('may leave records out, which count as finished', async () => {
    const { seen, harness } = await delivered({ onConsume: (records) => records.filter(({ offset }) => offset === 0) });
    expect(seen).toEqual(['0:0', '1:0']);
    expect([harness.committed(0), harness.committed(1)]).toEqual([2, 2]);
  });

  it.each<[string, ConsumerInterceptor]>([
    [
      'throws',
      {
        onConsume: () => {
          throw new Error('boom');
        },
      },
    ],
    ['gives no array', { onConsume: () => undefined as unknown as KafkaRecord[] }],
    ['makes records up', { onConsume: (records) => [...records, { ...records[0]!, offset: 99 }] }],
    ['moves records elsewhere', { onConsume: (records) => records.map((one) => ({ ...one, topic: 'other' })) }],
    ['turns their order', { onConsume: (records) => [...records].reverse() }],
  ])('one that %s is passed over for that poll: no record is lost, the others are asked', async (_, faulty) => {
    const before: ConsumerInterceptor = { onConsume: (records) => records.map((one) => marked(one, '<')) };
    const after: ConsumerInterceptor = { onConsume: (records) => records.map((one) => marked(one, '>')) };
    const { seen, harness, counters } = await delivered(before, faulty, after);
    expect(seen).toEqual(ALL.map((place) => `${place}<>`));
    expect(counters!.interceptorErrors).toBe(1);
    expect(harness.log.filter((line) => line.includes('failed in onConsume'))).toHaveLength(1);
    expect(harness.committed(1)).toBe(2);
  });

  it('lose no commit by what they throw, and are counted', async () => {
    const { harness, counters } = await delivered({
      onCommit: () => {
        throw new Error('boom');
      },
    });
    expect([harness.committed(0), harness.committed(1)]).toEqual([2, 2]);
    expect(counters!.interceptorErrors).toBe(counters!.commits);
    expect(harness.container.state).toBe('stopped');
    expect(harness.log.join('\n')).toContain('without a class failed in onCommit');
  });
});
