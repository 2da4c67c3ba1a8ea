import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { KafkajsCluster } from '../../../../src/runtime/client/cluster/kafkajs-cluster.js';
import { type ProducerOptions } from '../../../../src/runtime/client/producer/producer-options.js';
import { TransactionalKafkaProducer } from '../../../../src/runtime/client/producer/transactional-producer.js';
import { type DeliverySink } from '../../../../src/runtime/client/producer-client.js';
import { type ClientBroker, createTopic, startClientBroker } from '../../../support/client-broker.js';
import { readCommitted } from '../../../support/committed-reader.js';
import { withTransactionVersion1 } from '../../../support/limited-cluster.js';

// Over real sockets, under both versions of the transaction protocol; on our broker, or on Apache Kafka where
// KAFKA_BOOTSTRAP_SERVERS names one.

let broker: ClientBroker;
let topic: string;
let ids = 0;
const producers: TransactionalKafkaProducer[] = [];

beforeAll(async () => {
  broker = await startClientBroker();
});
afterAll(() => broker.stop());
beforeEach(async () => {
  topic = await createTopic(broker.address, 3);
});
afterEach(async () => {
  await Promise.all(producers.splice(0).map((producer) => producer.stop()));
});

const newId = () => `tx-${process.pid}-${process.hrtime.bigint()}-${++ids}`;

async function valuesOf(name = topic): Promise<string[]> {
  return (await readCommitted(broker.address, name)).map(({ value }) => String(value)).sort();
}

describe.each([1, 2])('a transactional producer, transaction version %i', (version) => {
  async function start(transactionalId = newId(), options: ProducerOptions = {}): Promise<TransactionalKafkaProducer> {
    const cluster = new KafkajsCluster({ bootstrapServers: [broker.address] });
    const producer = new TransactionalKafkaProducer({
      transactionalId,
      cluster: version === 1 ? withTransactionVersion1(cluster) : cluster,
      options: { lingerMs: 0, ...options },
    });
    producers.push(producer);
    await producer.start();
    return producer;
  }
  const send = (producer: TransactionalKafkaProducer, value: string, partition = 0, to = topic) =>
    producer.send(to, partition, { key: null, value: Buffer.from(value) });

  it('shows what is committed over several partitions, and nothing of what is aborted', async () => {
    const producer = await start();
    for (let round = 0; round < 4; round++) {
      await producer.begin();
      const sent = [0, 1, 2].map((partition) => send(producer, `${round}-${partition}`, partition));
      await Promise.all(sent);
      if (round % 2 === 0) await producer.commit();
      else await producer.abort();
    }
    expect(await valuesOf()).toEqual(['0-0', '0-1', '0-2', '2-0', '2-1', '2-2']);
  });

  it('sends at the commit what was not sent before, and drops it at an abort', async () => {
    const producer = await start(undefined, { lingerMs: 5_000 });
    await producer.begin();
    const committed = Array.from({ length: 100 }, (_, at) => send(producer, `a${at}`, at % 3));
    await producer.commit();
    expect((await Promise.all(committed)).length).toBe(100);
    await producer.begin();
    const dropped = send(producer, 'b');
    await producer.abort();
    await expect(dropped).rejects.toMatchObject({ code: 'KAFKA_TRANSACTION_ABORTED' });
    expect((await valuesOf()).length).toBe(100);
  });

  it('commits and aborts what is empty without asking anybody', async () => {
    const asked = jest.spyOn(KafkajsCluster.prototype, 'send');
    const producer = await start();
    expect(asked).toHaveBeenCalled();
    asked.mockClear();
    for (let round = 0; round < 3; round++) {
      await producer.begin();
      await (round === 1 ? producer.abort() : producer.commit());
    }
    expect(asked).not.toHaveBeenCalled();
    asked.mockRestore();
    await producer.begin();
    await send(producer, 'x');
    await producer.commit();
    expect(await valuesOf()).toEqual(['x']);
  });

  it('refuses what the state does not allow', async () => {
    const producer = await start();
    const state = { code: 'KAFKA_TRANSACTION_STATE' };
    await expect(send(producer, 'x')).rejects.toMatchObject(state);
    await expect(producer.commit()).rejects.toMatchObject(state);
    await expect(producer.abort()).rejects.toMatchObject(state);
    await producer.begin();
    await expect(producer.begin()).rejects.toMatchObject(state);
    await producer.commit();
  });

  it('cannot commit what has lost a record, though nobody looked at it, and goes on after the abort', async () => {
    const producer = await start(undefined, { maxRequestSize: 2_000 });
    await producer.begin();
    await send(producer, 'kept out');
    const tooLarge = send(producer, 'x'.repeat(3_000));
    await expect(tooLarge).rejects.toMatchObject({ code: 'KAFKA_RECORD_TOO_LARGE' });
    await expect(producer.commit()).rejects.toMatchObject({ code: 'KAFKA_TRANSACTION_ABORTED', retriable: true });
    await expect(send(producer, 'y')).rejects.toMatchObject({ code: 'KAFKA_TRANSACTION_ABORTED' });
    await producer.abort();
    await producer.begin();
    await send(producer, 'next');
    await producer.commit();
    expect(await valuesOf()).toEqual(['next']);
  });

  it('tells a sink what became of each record; one that is lost keeps its transaction from being committed, and no other', async () => {
    const producer = await start(undefined, { maxRequestSize: 2_000, lingerMs: 5_000 });
    const told: string[] = [];
    const sink: DeliverySink = {
      stored: (_topic, partition, offset, count) => told.push(`${count} at ${partition}:${offset}`),
      failed: (error, count) => told.push(`${count} lost: ${(error as { code?: string }).code}`),
    };
    const enqueue = (value: string): void => producer.enqueue(topic, 0, { key: null, value: Buffer.from(value) }, sink);
    await producer.begin();
    enqueue('first');
    await producer.flush();
    for (const value of ['a', 'b', 'c']) enqueue(value);
    await producer.commit();
    expect(told.splice(0)).toEqual(['1 at 0:0', '3 at 0:1']);
    enqueue('outside');
    expect(told.splice(0)).toEqual(['1 lost: KAFKA_TRANSACTION_STATE']);
    await producer.begin();
    enqueue('d');
    enqueue('x'.repeat(3_000));
    expect(told.splice(0)).toEqual(['1 lost: KAFKA_RECORD_TOO_LARGE']);
    await expect(producer.commit()).rejects.toMatchObject({ code: 'KAFKA_TRANSACTION_ABORTED' });
    await producer.abort();
    expect(told.splice(0)).toEqual(['1 lost: KAFKA_TRANSACTION_ABORTED']);
    await producer.begin();
    enqueue('e');
    await producer.commit();
    expect(await valuesOf()).toEqual(['a', 'b', 'c', 'e', 'first']);
  });

  it('cannot commit what the broker refused a record of, and goes on under another epoch', async () => {
    const small = await createTopic(broker.address, 1, { 'max.message.bytes': '1000' });
    const producer = await start();
    await producer.begin();
    await send(producer, 'before', 0, small);
    await expect(send(producer, 'x'.repeat(3_000), 0, small)).rejects.toMatchObject({ code: 'KAFKA_RECORD_TOO_LARGE' });
    await expect(producer.commit()).rejects.toMatchObject({ code: 'KAFKA_TRANSACTION_ABORTED' });
    await producer.abort();
    await producer.begin();
    await send(producer, 'after', 0, small);
    await producer.commit();
    expect(await valuesOf(small)).toEqual(['after']);
  });

  it('fences the producer that had the id before: it can neither write nor commit', async () => {
    const id = newId();
    const old = await start(id);
    await old.begin();
    await send(old, 'old');
    const young = await start(id);
    await young.begin();
    await send(young, 'young');
    await young.commit();
    await expect(old.commit()).rejects.toMatchObject({ code: 'KAFKA_PRODUCER_FENCED' });
    expect(old.fatalError).toMatchObject({ code: 'KAFKA_PRODUCER_FENCED' });
    await expect(old.begin()).rejects.toMatchObject({ code: 'KAFKA_PRODUCER_FENCED' });
    expect(await valuesOf()).toEqual(['young']);
  });

  it('fences an owner that writes again, at its next transaction', async () => {
    const id = newId();
    const old = await start(id);
    await old.begin();
    await send(old, 'first');
    await old.commit();
    await start(id);
    await old.begin();
    const late = send(old, 'late').catch((error: unknown) => error);
    await expect(old.commit()).rejects.toMatchObject({ code: expect.stringMatching(/FENCED|ABORTED/) });
    await late;
    await expect(old.abort()).rejects.toMatchObject({ code: 'KAFKA_PRODUCER_FENCED' });
    expect(await valuesOf()).toEqual(['first']);
  });

  it('aborts what is open when it is stopped', async () => {
    const producer = await start();
    await producer.begin();
    await send(producer, 'open');
    await producer.stop();
    expect(await valuesOf()).toEqual([]);
  });
});
