import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { type KafkaRecord } from '../../../../src/common/record.js';
import { ContainerRegistry, KafkaListener } from '../../../../src/index.js';
import { type KafkaApp, startApp } from '../../../support/kafka-app.js';
import { Harness, TOPIC } from '../../../support/listener-harness.js';
import { flush } from '../../../support/manual-clock.js';

const COUNT = 1_000_000;
const PER_POLL = 5_000;
const LATER = [{ key: 'tag', value: Buffer.from('later') }];
const NOW = [{ key: 'tag', value: Buffer.from('now') }];

let running: KafkaApp | undefined;
afterEach(async () => {
  await running?.app.close();
  running = undefined;
});

describe('a filter by header', () => {
  it('passes a million records over, which are committed as if they had been handled', async () => {
    const handled: number[] = [];
    @Injectable()
    class Tagged {
      @KafkaListener({
        id: 'tagged',
        topics: TOPIC,
        filter: ({ headers }) => headers.some(({ key, value }) => key === 'tag' && value?.toString() === 'now'),
      })
      handle(value: Buffer) {
        handled.push(Number(value.toString()));
      }
    }
    running = await startApp({ providers: [Tagged] });
    const { handler } = running.app.get(ContainerRegistry).get('tagged').endpoint;
    const harness = new Harness({ endpoint: { handler } });
    await harness.start();
    let next = 0;
    harness.consumer.poll = async () => {
      if (next === COUNT) return new Promise(() => undefined);
      const records = Array.from({ length: PER_POLL }, (_, i): KafkaRecord => {
        const offset = next + i;
        const value = Buffer.from(String(offset));
        const headers = offset % 250_000 === 7 ? NOW : LATER;
        return { topic: TOPIC, partition: 0, offset, timestamp: 0, key: null, value, headers };
      });
      next += PER_POLL;
      return [{ topic: TOPIC, partition: 0, records, assignmentEpoch: 1_000, nextOffset: next, highWatermark: COUNT }];
    };
    await harness.clock.advance(5_000); // the poll that waits already ends
    while (harness.committed() !== COUNT) await flush();
    expect(handled).toEqual([7, 250_007, 500_007, 750_007]);
    expect(harness.container.describe().consumers[0]!.counters.filtered).toBe(COUNT - 4);
  });
});
