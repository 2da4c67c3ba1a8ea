import { beforeEach, describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../../../src/common/random.js';
import { type KafkaRecord } from '../../../../src/common/record.js';
import { AggregatingReplyingKafkaTemplate, type ProducerRecord, ReplyingKafkaTemplate } from '../../../../src/index.js';
import { CorrelationIds } from '../../../../src/runtime/template/replies/correlation-ids.js';
import { type ReplySource } from '../../../../src/runtime/template/replies/reply-exchange.js';
import { type ReplyingTemplateOptions } from '../../../../src/runtime/template/replies/replying-kafka-template.js';
import { RecordingLogger, recordOf } from '../../../support/fake-clients.js';
import { flush, ManualClock } from '../../../support/manual-clock.js';

/** Replies that the test makes up. */
class FakeSource implements ReplySource {
  readonly topic = 'replies';
  partition: number | undefined;
  isReady = true;
  starts = 0;
  started: () => void = () => undefined;
  onReply: (record: KafkaRecord) => void = () => undefined;

  start(): Promise<void> {
    this.starts++;
    if (this.isReady) return Promise.resolve();
    return new Promise((resolve) => {
      this.started = () => {
        this.isReady = true;
        resolve();
      };
    });
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

let clock: ManualClock;
let source: FakeSource;
let logger: RecordingLogger;
let sent: ProducerRecord[];
let failure: Error | undefined;

beforeEach(() => {
  clock = new ManualClock();
  source = new FakeSource();
  logger = new RecordingLogger();
  sent = [];
  failure = undefined;
});

function options(more: Partial<ReplyingTemplateOptions> = {}): ReplyingTemplateOptions {
  return {
    source,
    template: {
      send(record) {
        if (failure) return Promise.reject(failure);
        sent.push(record);
        return Promise.resolve({ topic: record.topic, partition: 0, offset: 0, timestamp: 0 });
      },
    },
    read: ({ value }) => String(value),
    clock,
    logger,
    random: seededRandom(1),
    ...more,
  };
}

const headersOf = (record: ProducerRecord) =>
  new Map((record.headers as ReadonlyArray<{ key: string; value: Buffer }>).map(({ key, value }) => [key, value]));

/** Answers the request sent as the `at`th. */
function answer(at: number, value: string, name = 'kafka_correlationId', more: KafkaRecord['headers'] = []): void {
  source.onReply(
    recordOf({ topic: 'replies', value, headers: [{ key: name, value: headersOf(sent[at]!).get(name)! }, ...more] }),
  );
}

const request = { topic: 'orders', value: 'x' };
const failed = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: { code?: string; message: string }) => error,
  );

describe('requests', () => {
  it('carry an id and an address, and get the reply with that id, in any order', async () => {
    const template = new ReplyingKafkaTemplate(options());
    const [first, second] = [
      template.sendAndReceive(request),
      template.sendAndReceive({ ...request, headers: { own: 'h' } }),
    ];
    const ids = sent.map((record) => headersOf(record).get('kafka_correlationId')!);
    expect(ids.map((id) => id.length)).toEqual([16, 16]);
    expect(ids[0]!.equals(ids[1]!)).toBe(false);
    expect(
      [...headersOf(sent[1]!)].map(([key, value]) => [key, key === 'kafka_correlationId' ? '' : String(value)]),
    ).toEqual([
      ['own', 'h'],
      ['kafka_correlationId', ''],
      ['kafka_replyTopic', 'replies'],
    ]);
    answer(1, 'two');
    answer(0, 'one');
    expect([(await first).value, (await second).value, template.outstanding]).toEqual(['one', 'two', 0]);
    expect(await first.sent).toMatchObject({ topic: 'orders' });
  });

  it('name a partition, and headers as they are told', async () => {
    source.partition = 258;
    const template = new ReplyingKafkaTemplate(
      options({
        correlationHeader: 'id',
        replyTopicHeader: 'to',
        replyPartitionHeader: 'at',
        binaryCorrelation: false,
      }),
    );
    const reply = template.sendAndReceive({ ...request, headers: { to: 'elsewhere' } });
    const headers = headersOf(sent[0]!);
    expect([String(headers.get('to')), headers.get('at'), String(headers.get('id'))]).toEqual([
      'elsewhere',
      Buffer.of(0, 0, 1, 2),
      expect.stringMatching(/^[0-9a-f]{32}$/),
    ]);
    answer(0, 'x', 'id');
    expect((await reply).value).toBe('x');
  });

  it('may have ids of their own, which must differ', async () => {
    const template = new ReplyingKafkaTemplate(options({ correlationId: ({ value }) => String(value) }));
    const first = template.sendAndReceive(request);
    expect(String(headersOf(sent[0]!).get('kafka_correlationId'))).toBe('x');
    expect(await failed(template.sendAndReceive(request))).toMatchObject({
      message: expect.stringContaining('waits already'),
    });
    answer(0, 'y');
    expect((await first).value).toBe('y');
  });

  it('fail when time runs out, exactly then', async () => {
    const template = new ReplyingKafkaTemplate(options());
    const ends: string[] = [];
    void failed(template.sendAndReceive(request)).then((error) => ends.push(`default ${error?.code}`));
    void failed(template.sendAndReceive(request, { timeoutMs: 100 })).then((error) => ends.push(`own ${error?.code}`));
    await clock.advance(99);
    expect(ends).toEqual([]);
    await clock.advance(1);
    expect(ends).toEqual(['own KAFKA_REPLY_TIMEOUT']);
    await clock.advance(4_900);
    expect(ends[1]).toBe('default KAFKA_REPLY_TIMEOUT');
    answer(0, 'late');
    expect(logger.lines).toEqual([expect.stringContaining('nobody waits for the reply replies-0@0')]);
    expect(template.outstanding).toBe(0);
  });

  it('say nothing of what others wait for, where the topic is shared', () => {
    const template = new ReplyingKafkaTemplate(options({ sharedReplyTopic: true }));
    source.onReply(recordOf({ headers: [{ key: 'kafka_correlationId', value: Buffer.of(9) }] }));
    expect(logger.lines).toEqual([]);
    source.onReply(recordOf({}));
    expect(logger.lines).toEqual(['error orders-0@0 is no reply: it has no header kafka_correlationId']);
    expect(template.outstanding).toBe(0);
  });

  it('fail when they cannot be sent, and when nobody looks that ends nothing', async () => {
    failure = new Error('broker is gone');
    const template = new ReplyingKafkaTemplate(options());
    expect(await failed(template.sendAndReceive(request))).toBe(failure);
    void template.sendAndReceive(request);
    await flush();
    expect(template.outstanding).toBe(0);
  });

  it('wait until replies can come', async () => {
    source.isReady = false;
    const template = new ReplyingKafkaTemplate(options());
    const reply = template.sendAndReceive(request);
    await flush();
    expect([sent.length, source.starts]).toEqual([0, 1]);
    source.started();
    await flush();
    answer(0, 'x');
    expect((await reply).value).toBe('x');
  });

  it('are not sent any more when they waited too long for that', async () => {
    source.isReady = false;
    const template = new ReplyingKafkaTemplate(options());
    const error = failed(template.sendAndReceive(request));
    await clock.advance(5_000);
    expect(await error).toMatchObject({
      message: expect.stringContaining('the reply topic replies has no partitions here yet'),
    });
    source.started();
    await flush();
    expect(sent).toEqual([]);
  });

  it('are bounded in number', async () => {
    const template = new ReplyingKafkaTemplate(options({ maxOutstanding: 1 }));
    void template.sendAndReceive(request);
    expect(await failed(template.sendAndReceive(request))).toMatchObject({ code: 'KAFKA_BUFFER_FULL' });
  });

  it('fail with what the reply says, or with what cannot be read', async () => {
    const read = () => {
      throw new Error('no such format');
    };
    const template = new ReplyingKafkaTemplate(options({ read }));
    const replies = [1, 2, 3].map(() => failed(template.sendAndReceive(request)));
    answer(0, '', undefined, [
      { key: 'kafka_exception-fqcn', value: Buffer.from('com.acme.Gone') },
      { key: 'kafka_exception-message', value: Buffer.from('no stock') },
    ]);
    answer(1, '', undefined, [{ key: 'kafka_nest-err', value: Buffer.from('"oops"') }]);
    answer(2, '?');
    const errors = await Promise.all(replies);
    expect(errors[0]).toMatchObject({
      code: 'KAFKA_REPLY_FAILED',
      remoteName: 'com.acme.Gone',
      message: 'the other side failed: com.acme.Gone: no stock',
    });
    expect(errors.slice(1).map((error) => error?.message)).toEqual(['the other side failed: "oops"', 'no such format']);
  });

  it('end with the application', async () => {
    const template = new ReplyingKafkaTemplate(options());
    const waiting = failed(template.sendAndReceive(request));
    await template.stop();
    expect(await waiting).toMatchObject({ code: 'KAFKA_STOPPED' });
    expect(await failed(template.request('orders', 'x'))).toMatchObject({ code: 'KAFKA_STOPPED' });
  });
});

describe('many replies', () => {
  const aggregating = (more = {}) =>
    new AggregatingReplyingKafkaTemplate({ ...options(), releaseStrategy: (all) => all.length >= 2, ...more });

  it('are collected until the strategy says so', async () => {
    const template = aggregating();
    const all = template.sendAndReceive<string>(request);
    answer(0, 'a');
    await flush();
    expect(template.outstanding).toBe(1);
    answer(0, 'b');
    const { topic, isPartial, replies } = await all;
    expect([topic, isPartial, replies.map(({ value }) => value)]).toEqual(['aggregatedResults', false, ['a', 'b']]);
  });

  it('are given as far as they came, where that is wanted and the strategy agrees', async () => {
    const asked: boolean[] = [];
    const releaseStrategy = (_all: unknown, timedOut: boolean) => {
      asked.push(timedOut);
      return timedOut;
    };
    const template = aggregating({ returnPartialOnTimeout: true, releaseStrategy });
    const some = template.sendAndReceive<string>(request);
    answer(0, 'a');
    await clock.advance(5_000);
    expect(await some).toMatchObject({
      topic: 'partialResultsAfterTimeout',
      isPartial: true,
      replies: [{ value: 'a' }],
    });
    expect(asked).toEqual([false, true]);
    const none = failed(aggregating().sendAndReceive(request));
    await clock.advance(5_000);
    expect(await none).toMatchObject({ code: 'KAFKA_REPLY_TIMEOUT' });
  });
});

describe('correlation ids', () => {
  it('are 16 bytes that never come twice', () => {
    const ids = new CorrelationIds();
    const others = new CorrelationIds();
    const seen = new Set(Array.from({ length: 1000 }, (_, i) => (i % 2 ? ids : others).next().toString('hex')));
    expect([seen.size, [...seen][0]!.length]).toEqual([1000, 32]);
  });
});
