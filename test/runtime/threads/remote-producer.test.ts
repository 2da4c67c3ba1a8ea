import { beforeEach, describe, expect, it } from '@jest/globals';
import { NestdawError } from '../../../src/common/errors.js';
import { type OutgoingRecord } from '../../../src/common/record.js';
import { type DeliverySink, type StoppedDelivery } from '../../../src/runtime/client/producer-client.js';
import { ConnectionSharedProducer } from '../../../src/runtime/nest/connection/connection-shared-producer.js';
import { KafkaTemplate } from '../../../src/runtime/template/kafka-template.js';
import { type FromSendingThread, type ToSendingThread } from '../../../src/runtime/threads/producer-messages.js';
import { ProducerServer } from '../../../src/runtime/threads/producer-server.js';
import { ThreadProducers } from '../../../src/runtime/threads/thread-producers.js';
import { FakeProducer, RecordingLogger } from '../../support/fake-clients.js';
import { flush, ManualClock } from '../../support/manual-clock.js';

// A producer of the application and threads that send by it, over channels whose messages the test lets pass.

interface Held {
  readonly topic: string;
  readonly record: OutgoingRecord;
  readonly sink: DeliverySink;
}

/** Holds what it is given until the test says how it ended. */
class HoldingProducer extends FakeProducer {
  readonly held: Held[] = [];
  override hasRoom: boolean = true;
  lost: StoppedDelivery[] = [];
  resumed: unknown[] = [];
  roomAgain: () => void = () => undefined;

  override enqueue(topic: string, _partition: number | undefined, record: OutgoingRecord, sink: DeliverySink): void {
    this.held.push({ topic, record, sink });
  }

  override whenRoom(): Promise<void> {
    return new Promise((resolve) => {
      this.roomAgain = resolve;
    });
  }

  override stopped(): [] {
    return this.lost as [];
  }

  override resume(...what: unknown[]): void {
    this.resumed.push(what);
  }
}

const BUFFER = 4_000;
/** A quarter of the buffer for one thread. */
const WINDOW = BUFFER / 4;

describe('a producer of the application in threads', () => {
  let clock: ManualClock;
  let logger: RecordingLogger;
  let producer: HoldingProducer;
  let template: KafkaTemplate;
  let shared: ConnectionSharedProducer;

  class Thread {
    readonly up: FromSendingThread[] = [];
    readonly down: ToSendingThread[] = [];
    readonly producers: ThreadProducers;
    readonly server: ProducerServer;

    constructor(name: string) {
      const posting =
        <T>(messages: T[]) =>
        (message: T, transfer: readonly ArrayBuffer[] = []) =>
          void messages.push(structuredClone(message, { transfer: [...transfer] }));
      this.producers = new ThreadProducers(posting(this.up), clock);
      this.server = new ProducerServer({
        thread: name,
        find: (connection, named) => {
          if (named === undefined) return shared;
          throw new NestdawError('KAFKA_CONFIG_INVALID', `there is no producer ${named} of connection ${connection}`);
        },
        clock,
        post: posting(this.down),
      });
    }

    /** Lets everything pass that is under way, and what it causes. */
    async pass(): Promise<void> {
      await flush();
      while (this.up.length + this.down.length > 0) {
        for (const message of this.up.splice(0)) this.server.receive(message);
        await flush();
        for (const message of this.down.splice(0)) this.producers.hear(message);
        await flush();
      }
    }

    async open(name?: string, closeTimeoutMs?: number) {
      const remote = this.producers.create('default', name, closeTimeoutMs);
      const started = remote.start();
      started.catch(() => undefined); // looked at below
      await this.pass();
      await started;
      return remote;
    }
  }

  const record = (value: string): OutgoingRecord => ({ key: 'k', value: Buffer.from(value) });

  beforeEach(() => {
    clock = new ManualClock();
    logger = new RecordingLogger();
    producer = new HoldingProducer();
    template = new KafkaTemplate({ producer: () => producer, clock, logger });
    shared = new ConnectionSharedProducer(() => producer, template.relay, BUFFER);
  });

  it('gets what a turn sends in one message, in order, and tells each record its end', async () => {
    const thread = new Thread('work#0');
    const remote = await thread.open();
    const sent = ['a', 'b', 'c'].map((value, at) =>
      remote
        .send('orders', at === 1 ? 7 : undefined, { ...record(value), ...(at === 2 ? { timestamp: 5 } : {}) })
        .catch((thrown: unknown) => thrown),
    );
    await flush();
    expect(thread.up.map(({ type }) => type)).toEqual(['send']);
    await thread.pass();
    expect(
      producer.held.map(({ record: { key, value, timestamp } }) => [`${String(key)}=${String(value)}`, timestamp]),
    ).toEqual([
      ['k=a', undefined],
      ['k=b', undefined],
      ['k=c', 5],
    ]);
    producer.held[2]!.sink.stored('orders', 1, 11, 1, 5);
    producer.held[0]!.sink.stored('orders', 1, 10, 1, 4);
    const cause = new RangeError('inner');
    const refusal = new NestdawError('KAFKA_DELIVERY_FAILED', 'no leader', { retriable: true, cause });
    producer.held[1]!.sink.failed(refusal, 1);
    await flush();
    expect(thread.down).toHaveLength(1);
    await thread.pass();
    expect(await sent[0]).toEqual({ topic: 'orders', partition: 1, offset: 10, timestamp: 4 });
    expect(await sent[2]).toEqual({ topic: 'orders', partition: 1, offset: 11, timestamp: 5 });
    const error = await sent[1];
    expect(error).toBeInstanceOf(NestdawError);
    expect(error).toMatchObject({ code: 'KAFKA_DELIVERY_FAILED', message: 'no leader', retriable: true });
    expect((error as Error).cause).toBeInstanceOf(RangeError);
    expect(remote.metrics()).toMatchObject({ 'record-send-total': 0 });
  });

  it('has room as far as the producer says, and for a part of its buffer on the way', async () => {
    const [one, two] = [new Thread('work#0'), new Thread('work#1')];
    const remote = await one.open();
    void remote.send('orders', undefined, record('x'.repeat(WINDOW)));
    expect(remote.hasRoom).toBe(false);
    let isReady = false;
    void remote.whenRoom().then(() => {
      isReady = true;
    });
    await flush();
    expect(isReady).toBe(false);
    await one.pass();
    expect(isReady).toBe(true);
    // With another thread each has half of that.
    await two.open();
    await one.pass();
    void remote.send('orders', undefined, record('x'.repeat(WINDOW / 2)));
    expect(remote.hasRoom).toBe(false);
    producer.hasRoom = false;
    await one.pass();
    expect(remote.hasRoom).toBe(false);
    producer.hasRoom = true;
    producer.roomAgain();
    await one.pass();
    expect(remote.hasRoom).toBe(true);
    two.server.leave();
    await one.pass();
    void remote.send('orders', undefined, record('x'.repeat(WINDOW / 2)));
    expect(remote.hasRoom).toBe(true);
  });

  it('refuses at once what finds more than a buffer on the way', async () => {
    const thread = new Thread('work#0');
    const remote = await thread.open();
    const first = remote.send('orders', undefined, record('x'.repeat(BUFFER)));
    await expect(remote.send('orders', undefined, record('y'))).rejects.toMatchObject({
      code: 'KAFKA_BUFFER_FULL',
      message: expect.stringMatching(/for orders .*buffer\.memory \(4000\)/),
    });
    await thread.pass();
    producer.held[0]!.sink.stored('orders', 0, 0, 1, 1);
    await thread.pass();
    expect(await first).toMatchObject({ offset: 0 });
    expect(producer.held).toHaveLength(1);
  });

  it('answers a flush after the ends of its records', async () => {
    const thread = new Thread('work#0');
    const remote = await thread.open();
    const order: string[] = [];
    void remote.send('orders', undefined, record('x')).then(() => order.push('stored'));
    const flushed = remote.flush().then(() => order.push('flushed'));
    producer.flush = () => {
      producer.held[0]!.sink.stored('orders', 0, 0, 1, 1);
      return Promise.resolve();
    };
    await thread.pass();
    await flushed;
    expect(order).toEqual(['stored', 'flushed']);
    expect(await Promise.all([remote.partitionsFor('orders'), thread.pass()])).toEqual([3, undefined]);
  });

  it('goes on with what a dead thread has sent, and logs what of it fails', async () => {
    const thread = new Thread('work#0');
    const remote = await thread.open();
    void remote.send('orders', undefined, record('a'));
    void remote.send('orders', undefined, record('b'));
    await thread.pass();
    thread.server.leave();
    producer.held[0]!.sink.stored('orders', 0, 0, 1, 1);
    producer.held[1]!.sink.failed(new NestdawError('KAFKA_DELIVERY_FAILED', 'no leader'), 1);
    await flush();
    expect(thread.down).toEqual([]);
    expect(template.failedSends).toBe(1);
    expect(logger.lines).toEqual(['error send to orders, key (of work#0, which is gone), failed: no leader']);
    expect(shared.threads).toBe(0);
  });

  it('ends with everything told, or rejected when the time to close is over; later sends are refused', async () => {
    const thread = new Thread('work#0');
    const patient = await thread.open();
    const hasty = await thread.open(undefined, 100);
    producer.flush = () => new Promise(() => undefined);
    const late = hasty.send('orders', undefined, record('x'));
    const failure = late.catch((thrown: unknown) => thrown);
    const stopped = hasty.stop();
    await thread.pass();
    await clock.advance(100);
    expect(await failure).toMatchObject({ code: 'KAFKA_STOPPED', message: expect.stringContaining('100 ms') });
    await stopped;
    producer.held[0]!.sink.stored('orders', 0, 0, 1, 1); // heard by nobody
    await thread.pass();
    await expect(hasty.send('orders', undefined, record('y'))).rejects.toMatchObject({ code: 'KAFKA_STOPPED' });
    const kept = patient.send('orders', undefined, record('z'));
    producer.flush = () => {
      producer.held[1]!.sink.stored('orders', 0, 1, 1, 1);
      return Promise.resolve();
    };
    const ended = patient.stop();
    await thread.pass();
    await ended;
    expect(await kept).toMatchObject({ offset: 1 });
  });

  it('knows what stands still since a record was lost, and lets it go on behind what it has sent', async () => {
    const thread = new Thread('work#0');
    const remote = await thread.open();
    producer.lost = [{ topic: 'orders', partition: 2, error: new NestdawError('KAFKA_DELIVERY_FAILED', 'lost') }];
    shared.changed();
    await thread.pass();
    const [stopped] = remote.stopped();
    expect(stopped).toMatchObject({ topic: 'orders', partition: 2, error: { code: 'KAFKA_DELIVERY_FAILED' } });
    expect(stopped!.error).toBeInstanceOf(NestdawError);
    void remote.send('orders', 2, record('before'));
    remote.resume('orders', 2);
    expect(thread.up.map(({ type }) => type)).toEqual(['send', 'resume producer']);
    await thread.pass();
    expect(producer.resumed).toEqual([['orders', 2]]);
    producer.lost = [];
    shared.changed();
    await thread.pass();
    expect(remote.stopped()).toEqual([]);
  });

  it('tells its figures a few times a second while it acknowledges, and a last time', async () => {
    const thread = new Thread('work#0');
    const remote = await thread.open();
    let total = 0;
    producer.metrics = () => ({ 'record-send-total': total });
    for (total = 1; total <= 3; total++) {
      void remote.send('orders', undefined, record('x'));
      await thread.pass();
      producer.held.at(-1)!.sink.stored('orders', 0, total, 1, 1);
      await thread.pass();
    }
    expect(remote.metrics()['record-send-total']).toBe(1);
    await clock.advance(250);
    await thread.pass();
    expect(remote.metrics()['record-send-total']).toBe(4);
    expect(clock.pending).toBe(0);
  });

  it('cannot be opened where there is none of that name', async () => {
    await expect(new Thread('work#0').open('bulk')).rejects.toMatchObject({
      code: 'KAFKA_CONFIG_INVALID',
      message: 'there is no producer bulk of connection default',
    });
  });
});
