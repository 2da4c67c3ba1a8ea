import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { IsPositive } from 'class-validator';
import {
  Ack,
  type Acknowledgment,
  BatchListenerFailedError,
  Consumer,
  ConsumerRecords,
  ContainerRegistry,
  Header,
  Headers,
  KafkaHeaders,
  KafkaListener,
  type KafkaMessage,
  type KafkaRecord,
  Key,
  type ListenerConsumer,
  Message,
  Payload,
  Record as RawRecord,
} from '../../../../src/index.js';
import { until } from '../../../../src/testing/index.js';
import { type BrokerApp, records, startOnBroker } from '../../../support/broker-app.js';
import { startTestKafka, type TestKafka } from '../../../support/test-kafka.js';

// Batch listeners over a real broker, in every form.

class Order {
  @IsPositive()
  amount!: number;
}

let kafka: TestKafka;
let running: BrokerApp | undefined;
let topics = 0;
let topic: string;

beforeAll(async () => {
  kafka = await startTestKafka();
});

afterEach(async () => {
  await running?.app.close();
  running = undefined;
});

afterAll(() => kafka.stop());

async function newTopic(): Promise<void> {
  topic = `batch-${++topics}`;
  await kafka.createTopic(topic);
}

async function start(type: new () => object, properties: Record<string, string> = {}) {
  running = await startOnBroker(kafka, { providers: [type] }, properties);
  return running.app.get(ContainerRegistry);
}

const amounts = (...values: number[]) => records(values.map((amount) => ({ amount })));

describe('a batch listener', () => {
  it('gets payloads, lists of keys and headers, raw records, and one text about the listener', async () => {
    await newTopic();
    const seen: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: topic, batch: true, payload: Order, groupId: 'g', info: 'all' })
      handle(
        @Payload() orders: Order[],
        @Key() keys: string[],
        @Header('trace') traces: string[],
        @Headers() headers: Array<Record<string, string>>,
        @Payload('amount') values: number[],
        @RawRecord() raw: KafkaRecord[],
        @Header(KafkaHeaders.OFFSET) offsets: number[],
        @Header(KafkaHeaders.LISTENER_INFO) info: string,
        @Consumer() consumer: ListenerConsumer,
        @Message() messages: KafkaMessage<Order>[],
        @RawRecord() polled: ConsumerRecords,
        @Header(KafkaHeaders.BATCH_CONVERTED_HEADERS) converted: object[],
      ) {
        const ofMessages = messages.map(({ payload, headers }) => [payload instanceof Order, headers.trace]);
        seen.push(ofMessages, polled.records({ topic, partition: 0 }).length, converted);
        seen.push(
          orders.map((one) => one instanceof Order),
          keys,
          traces,
          headers.map((one) => ({ ...one })),
          values,
        );
        seen.push(raw.length, offsets, info, consumer.groupId, consumer.assignment());
      }
    }
    await kafka.produce(topic, 0, records([{ amount: 1 }, { amount: 2 }], [{ key: 'trace', value: Buffer.from('t') }]));
    await start(Listener);
    await kafka.untilConsumed('g', topic);
    expect(seen.splice(0, 3)).toEqual([
      [
        [true, 't'],
        [true, 't'],
      ],
      2,
      [{ trace: 't' }, { trace: 't' }],
    ]);
    expect(seen).toEqual([
      [true, true],
      ['k0', 'k1'],
      ['t', 't'],
      [{ trace: 't' }, { trace: 't' }],
      [1, 2],
      2,
      [0, 1],
      'all',
      'g',
      [{ topic, partition: 0 }],
    ]);
  });

  it('takes the payloads as its only parameter, and raw records without converting them', async () => {
    await newTopic();
    const seen: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: topic, batch: true, id: 'payloads' })
      payloads(values: unknown[]) {
        seen.push(values);
      }
      @KafkaListener({ topics: topic, batch: true, id: 'raw' })
      raw(@RawRecord() values: KafkaRecord[]) {
        seen.push(values.map(({ value }) => value!.toString()));
      }
    }
    await kafka.produce(topic, 0, records([1, 2]));
    await start(Listener, { 'kafka.listener.type': 'single' });
    await kafka.untilConsumed('payloads', topic);
    await kafka.untilConsumed('raw', topic);
    expect(seen).toHaveLength(2);
    expect(seen).toEqual(
      expect.arrayContaining([
        [1, 2],
        ['1', '2'],
      ]),
    );
  });

  it('is given what stands before a record that is not valid; nothing is passed over', async () => {
    await newTopic();
    const seen: number[][] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: topic, batch: true, payload: Order, groupId: 'g' })
      handle(@Payload('amount') values: number[]) {
        seen.push(values);
      }
    }
    await kafka.produce(topic, 0, amounts(1, 2, 0, 3));
    const registry = await start(Listener);
    const container = registry.get('Listener.handle');
    await until(() => container.describe().consumers[0]!.partitions[0]?.parked === 1, { what: 'the failure' });
    await until(async () => (await kafka.committed('g', topic))[0] === 2, { what: 'the commit of two' });
    expect(seen).toEqual([[1, 2]]);
    // Somebody moves on past the bad one.
    await container.seek({ relative: -1 });
    expect(container.describe().consumers[0]!.partitions[0]).toMatchObject({ position: 3, parked: 0 });
    await kafka.untilConsumed('g', topic);
    expect(seen).toEqual([[1, 2], [3]]);
  });

  it('has failed as a whole when what stands before the invalid record fails', async () => {
    await newTopic();
    const seen: number[][] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: topic, batch: true, payload: Order, groupId: 'g' })
      async handle(@Payload('amount') values: number[]) {
        seen.push(values);
        if (seen.length === 1) throw new Error('first time');
      }
    }
    await kafka.produce(topic, 0, amounts(1, 2, 0));
    const registry = await start(Listener);
    const container = registry.get('Listener.handle');
    await until(() => container.describe().consumers[0]!.partitions[0]?.parked === 1, { what: 'the failure' });
    expect(seen).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  it('by listener.type gets max-poll-records at most, and may say which failed: only the rest runs again', async () => {
    await newTopic();
    const seen: number[][] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: topic, groupId: 'g' })
      async handle(values: number[]) {
        seen.push(values);
        const bad = values.indexOf(2);
        if (bad >= 0 && seen.length < 3) throw new BatchListenerFailedError(bad, new Error('two'));
      }
    }
    const numbers = Array.from({ length: 120 }, (_, i) => i);
    await kafka.produce(topic, 0, records(numbers));
    await start(Listener, { 'spring.kafka.listener.type': 'batch', 'spring.kafka.consumer.max-poll-records': '50' });
    await kafka.untilConsumed('g', topic);
    expect(seen.slice(0, 3).map(([first]) => first)).toEqual([0, 2, 2]);
    expect(seen.slice(2).flat()).toEqual(numbers.slice(2));
    expect(Math.max(...seen.map(({ length }) => length))).toBe(50);
  });

  it('does not get what a filter keeps out, and indexes mean what it got', async () => {
    await newTopic();
    const seen: number[][] = [];
    @Injectable()
    class Listener {
      @KafkaListener({
        topics: topic,
        batch: true,
        groupId: 'g',
        filter: ({ offset }: KafkaRecord) => offset % 2 === 1,
      })
      handle(values: number[]) {
        seen.push(values);
        if (seen.length === 1) throw new BatchListenerFailedError(1, new Error('three'));
      }
    }
    await kafka.produce(topic, 0, records([0, 1, 2, 3, 4]));
    await start(Listener);
    await kafka.untilConsumed('g', topic);
    expect(seen).toEqual([[1, 3], [3]]);
  });

  it('acknowledges by index, gives back from an index, and is redelivered the rest', async () => {
    await newTopic();
    const seen: number[][] = [];
    const committed: number[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: topic, batch: true, groupId: 'g', ackMode: 'MANUAL_IMMEDIATE' })
      async handle(@Payload() values: number[], @Ack() ack: Acknowledgment) {
        seen.push(values);
        if (seen.length === 1) {
          await ack.acknowledge(1);
          committed.push((await kafka.committed('g', topic))[0]!);
          ack.nack(3, 1);
          return;
        }
        if (seen.length === 2) {
          await ack.acknowledge(0);
          throw new Error('after one');
        }
        await ack.acknowledge();
      }
    }
    await kafka.produce(topic, 0, records([0, 1, 2, 3, 4]));
    await start(Listener);
    await kafka.untilConsumed('g', topic);
    expect(committed).toEqual([2]);
    expect(seen).toEqual([[0, 1, 2, 3, 4], [3, 4], [4]]);
  });

  it('may acknowledge batches later and in any order; the commit never passes one that is open', async () => {
    await newTopic();
    const acks: Acknowledgment[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({
        topics: topic,
        batch: true,
        groupId: 'g',
        ackMode: 'MANUAL',
        payload: Order,
        properties: { 'max.poll.records': 2 },
      })
      handle(_values: Order[], @Ack() ack: Acknowledgment) {
        acks.push(ack);
      }
    }
    // The invalid one ends the second batch early: what stands before it counts once it is acknowledged, not before.
    await kafka.produce(topic, 0, amounts(1, 2, 3, 0));
    const registry = await start(Listener);
    const partition = () => registry.get('Listener.handle').describe().consumers[0]!.partitions[0]!;
    await until(() => acks.length === 2 && partition().parked === 1, { what: 'two batches' });
    expect(partition()).toMatchObject({ committable: 0, finishedAbove: 0 });
    await acks[1]!.acknowledge();
    expect(partition()).toMatchObject({ committable: 0, finishedAbove: 1 });
    await acks[0]!.acknowledge();
    expect(partition().committable).toBe(3);
    await until(async () => (await kafka.committed('g', topic))[0] === 3, { what: 'the commit' });
  });

  it('refuses an index that its batch does not have', async () => {
    await newTopic();
    const errors: string[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: topic, batch: true, groupId: 'g', ackMode: 'MANUAL' })
      async handle(@Payload() values: number[], @Ack() ack: Acknowledgment) {
        const note = (error: Error) => void errors.push(error.message);
        await ack.acknowledge(values.length).catch(note);
        try {
          ack.nack(-1, 0);
        } catch (error) {
          note(error as Error);
        }
        await ack.acknowledge(1);
        try {
          ack.nack(0, 0);
        } catch (error) {
          note(error as Error);
        }
        await ack.acknowledge();
      }
    }
    await kafka.produce(topic, 0, records([0, 1, 2]));
    await start(Listener);
    await kafka.untilConsumed('g', topic);
    expect(errors).toEqual([
      `${topic}-0 offset 0: acknowledge(3): the batch has 3 records, give an index from 0`,
      `${topic}-0 offset 0: nack(-1, 0): the batch has 3 records, give an index from 0`,
      `${topic}-0 offset 0: nack(0, 0): the records before 2 are acknowledged already`,
    ]);
  });
});
