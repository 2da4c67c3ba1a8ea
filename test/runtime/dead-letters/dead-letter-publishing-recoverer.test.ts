import { describe, expect, it } from '@jest/globals';
import { NestdawError } from '../../../src/common/errors.js';
import { type OutgoingRecord } from '../../../src/common/record.js';
import { deadLetterOf, ownHeaders } from '../../../src/runtime/dead-letters/dead-letter.js';
import {
  type DeadLetterPublishingOptions,
  DeadLetterPublishingRecoverer,
} from '../../../src/runtime/dead-letters/dead-letter-publishing-recoverer.js';
import { failureHeaders } from '../../../src/runtime/dead-letters/failure-headers.js';
import { longBytes, numberOf, shortestBytes } from '../../../src/runtime/dead-letters/header-bytes.js';
import { RETRY_TOPIC_HEADERS } from '../../../src/runtime/dead-letters/header-names.js';
import { defaultErrorHandler } from '../../../src/runtime/listener/failures/error-handler.js';
import { type Failure } from '../../../src/runtime/listener/failures/failure.js';
import { DeserializationError } from '../../../src/runtime/template/serdes/refusals.js';
import { RecordingLogger, recordOf } from '../../support/fake-clients.js';
import { failed, Harness } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

class CardRefused extends Error {
  override readonly name = 'CardRefused';
}

const record = recordOf({
  topic: 'orders',
  partition: 5,
  offset: 4_294_967_298,
  timestamp: 1_700_000_000_123,
  key: Buffer.from('ada'),
  value: Buffer.from([0, 255]),
  headers: [{ key: 'trace', value: Buffer.from('t1') }],
});

function failureOf(error: unknown = new CardRefused('limit'), given: Partial<Failure> = {}): Failure {
  return { listener: 'billing', groupId: 'billing', record, error, attempt: 1, ...given };
}

function textOf(headers: OutgoingRecord['headers'] = []): Record<string, string> {
  return Object.fromEntries(headers.map(({ key, value }) => [key, value?.toString() ?? '']));
}

function hexOf(headers: OutgoingRecord['headers'] = []): Record<string, string> {
  return Object.fromEntries(headers.map(({ key, value }) => [key, value?.toString('hex') ?? '']));
}

interface Sent extends OutgoingRecord {
  readonly topic: string;
  readonly partition: number | undefined;
}

function recoverer(options: DeadLetterPublishingOptions = {}, partitions = 6) {
  const sent: Sent[] = [];
  const logger = new RecordingLogger();
  const sender = {
    failure: undefined as Error | undefined,
    async sendBytes(topic: string, partition: number | undefined, outgoing: OutgoingRecord) {
      if (sender.failure) throw sender.failure;
      sent.push({ topic, partition, ...outgoing });
      return { topic, partition: partition ?? 0, offset: 0, timestamp: 0 };
    },
    partitionsFor: async () => partitions,
  };
  return { sent, logger, sender, it: new DeadLetterPublishingRecoverer(sender, { logger, ...options }) };
}

describe('headers of a failure', () => {
  it.each([
    ['kafka_dlt-', undefined],
    ['kafka_', RETRY_TOPIC_HEADERS],
  ])('tell apart a key that could not be read, as Spring does: %s', (prefix, names) => {
    const about = { data: record.key!, topic: 'orders', headers: [] };
    const options = names ? { names } : {};
    const headersFor = (isKey: boolean, wrap = (error: Error) => error) =>
      textOf(failureHeaders(failureOf(wrap(new DeserializationError('no uuid', { ...about, isKey }))), options));
    const ofKey = headersFor(true);
    expect(ofKey).toMatchObject({
      [`${prefix}key-exception-fqcn`]: 'DeserializationError',
      [`${prefix}key-exception-message`]: 'no uuid',
      [`${prefix}key-exception-stacktrace`]: expect.stringContaining('no uuid'),
      [`${prefix}exception-cause-fqcn`]: 'DeserializationError',
    });
    expect(ofKey[`${prefix}exception-message`]).toBeUndefined();
    expect(headersFor(true, (cause) => new Error('outer', { cause }))[`${prefix}key-exception-message`]).toBe(
      'outer; no uuid',
    );
    const ofValue = headersFor(false);
    expect(ofValue[`${prefix}exception-message`]).toBe('no uuid');
    expect(ofValue[`${prefix}key-exception-message`]).toBeUndefined();
  });

  it('are read again, those of a key too', () => {
    const about = { isKey: true, data: record.key!, topic: 'orders', headers: [] };
    const error = new DeserializationError('no uuid', about);
    const letter = deadLetterOf({ ...record, headers: failureHeaders(failureOf(error)) }, 'waiting');
    expect(letter.exception).toMatchObject({ name: 'DeserializationError', message: 'no uuid' });
    expect(ownHeaders(letter.headers)).toEqual(record.headers);
  });

  it('are those of Spring, name by name and byte by byte', () => {
    const headers = failureHeaders(failureOf());
    expect(hexOf(headers)).toMatchObject({
      'kafka_dlt-original-topic': Buffer.from('orders').toString('hex'),
      'kafka_dlt-original-partition': '00000005',
      'kafka_dlt-original-offset': '0000000100000002',
      'kafka_dlt-original-timestamp': '0000018bcfe5687b',
    });
    expect(textOf(headers)).toMatchObject({
      trace: 't1',
      'kafka_dlt-original-timestamp-type': 'CreateTime',
      'kafka_dlt-original-consumer-group': 'billing',
      'kafka_dlt-exception-fqcn': 'CardRefused',
      'kafka_dlt-exception-cause-fqcn': 'CardRefused',
      'kafka_dlt-exception-message': 'limit',
    });
    expect(textOf(headers)['kafka_dlt-exception-stacktrace']).toContain('dead-letter-publishing-recoverer.test');
    expect(headers).toHaveLength(11);
  });

  it('tell the thrown error and its first cause', () => {
    const error = new NestdawError('KAFKA_VALIDATION_FAILED', 'outer', { cause: new CardRefused('inner') });
    const headers = textOf(failureHeaders(failureOf(error)));
    expect(headers['kafka_dlt-exception-fqcn']).toBe('NestdawError');
    expect(headers['kafka_dlt-exception-cause-fqcn']).toBe('CardRefused');
    expect(headers['kafka_dlt-exception-message']).toBe('outer; inner');
    expect(headers['kafka_dlt-exception-stacktrace']).toContain('Caused by: ');
    expect(textOf(failureHeaders(failureOf('text')))['kafka_dlt-exception-fqcn']).toBe('string');
  });

  it('have the names of retry topics there, the group its own', () => {
    const headers = failureHeaders(failureOf(), { names: RETRY_TOPIC_HEADERS });
    expect(headers.map(({ key }) => key)).toEqual([
      'trace',
      'kafka_original-topic',
      'kafka_original-partition',
      'kafka_original-offset',
      'kafka_original-timestamp',
      'kafka_original-timestamp-type',
      'kafka_dlt-original-consumer-group',
      'kafka_exception-fqcn',
      'kafka_exception-cause-fqcn',
      'kafka_exception-message',
      'kafka_exception-stacktrace',
    ]);
  });

  it('of a second failure: origins are added or the first ones kept, the story is replaced or added', () => {
    const once = { ...record, headers: failureHeaders(failureOf()) };
    const again = failureOf(new Error('later'), { record: { ...once, topic: 'orders-dlt' } });
    const count = (headers: readonly { key: string }[], name: string) =>
      headers.filter(({ key }) => key === name).length;
    const appended = failureHeaders(again);
    expect(count(appended, 'kafka_dlt-original-topic')).toBe(2);
    expect(textOf(appended)['kafka_dlt-original-topic']).toBe('orders-dlt');
    expect(count(appended, 'kafka_dlt-exception-message')).toBe(1);
    const kept = failureHeaders(again, { appendOriginalHeaders: false, stripPreviousExceptionHeaders: false });
    expect(count(kept, 'kafka_dlt-original-topic')).toBe(1);
    expect(textOf(kept)['kafka_dlt-original-topic']).toBe('orders');
    expect(count(kept, 'kafka_dlt-exception-message')).toBe(2);
  });

  it('leave out what is excluded, and the group where there is none', () => {
    const headers = failureHeaders(failureOf(undefined, { groupId: '' }), {
      exclude: new Set(['EX_STACKTRACE', 'TS_TYPE'] as const),
    });
    expect(Object.keys(textOf(headers))).toHaveLength(8);
  });

  it('hold numbers as Java reads them', () => {
    expect([0, 127, 128, -1, 1_700_000_000_123].map((value) => shortestBytes(value).toString('hex'))).toEqual([
      '00',
      '7f',
      '0080',
      'ff',
      '018bcfe5687b',
    ]);
  });

  it('hold every whole number exactly, in eight bytes and in as few as hold it', () => {
    const edges = [1, 2, 3, 4, 5, 6].flatMap((bytes) => [2 ** (8 * bytes - 1) - 1, 2 ** (8 * bytes - 1)]);
    const signed = [0, ...edges, Number.MAX_SAFE_INTEGER].flatMap((value) => [value, -1 - value]);
    for (const value of signed.filter(Number.isSafeInteger)) {
      expect(longBytes(value).readBigInt64BE()).toBe(BigInt(value));
      const shortest = shortestBytes(value);
      expect(numberOf(shortest)).toBe(value);
      const fits = shortest.length === 1 || BigInt.asIntN(8 * shortest.length - 8, BigInt(value)) !== BigInt(value);
      expect({ value, fits }).toEqual({ value, fits: true });
    }
  });
});

describe('DeadLetterPublishingRecoverer', () => {
  it('sends key and value as they were to <topic>-dlt, the same partition', async () => {
    const { it: publisher, sent } = recoverer();
    await publisher.recover(failureOf());
    expect(sent).toEqual([expect.objectContaining({ topic: 'orders-dlt', partition: 5 })]);
    expect(sent[0]!.key).toEqual(Buffer.from('ada'));
    expect(sent[0]!.value).toEqual(Buffer.from([0, 255]));
    expect(sent[0]).not.toHaveProperty('timestamp');
  });

  it('lets the producer choose where the topic has no such partition, unless told not to look', async () => {
    const few = recoverer({}, 3);
    await few.it.recover(failureOf());
    expect(few.sent[0]!.partition).toBeUndefined();
    expect(few.logger.lines.join()).toContain('3 partition(s), no 5');
    const unseen = recoverer({ verifyPartition: false }, 3);
    await unseen.it.recover(failureOf());
    expect(unseen.sent[0]!.partition).toBe(5);
  });

  it('follows the resolver; without a destination the record is dropped, or fails', async () => {
    const byError = recoverer({ destination: (_, error) => ({ topic: (error as Error).name, partition: -1 }) });
    await byError.it.recover(failureOf());
    expect(byError.sent[0]).toMatchObject({ topic: 'CardRefused', partition: undefined });
    const nowhere = recoverer({ destination: () => undefined });
    await nowhere.it.recover(failureOf());
    expect(nowhere.sent).toEqual([]);
    expect(nowhere.logger.lines.join()).toContain('it is dropped');
    const strict = recoverer({ destination: () => undefined, throwIfNoDestination: true });
    await expect(strict.it.recover(failureOf())).rejects.toMatchObject({ code: 'KAFKA_CONFIG_INVALID' });
  });

  it('is heard in the log of its container when it has none of its own', async () => {
    const { sender, logger } = recoverer({}, 3);
    const publisher = new DeadLetterPublishingRecoverer(sender);
    const harness = new Harness({
      settings: { errorHandler: defaultErrorHandler({ retries: 0, recoverer: publisher }) },
      partitions: 6,
      invoke: () => failed(),
    });
    harness.push(1, () => null, 5);
    await harness.start();
    await flush(10);
    expect(harness.log.join()).toContain('3 partition(s), no 5');
    expect(logger.lines).toEqual([]);
    await harness.container.stop();
  });

  it('does not send a record that can never be handled back to its own topic', async () => {
    const fatal = failureOf(new NestdawError('KAFKA_DESERIALIZATION_FAILED', 'no JSON'));
    const looped = recoverer({ destination: ({ topic }) => ({ topic }) });
    await looped.it.recover(fatal);
    expect(looped.sent).toEqual([]);
    const wanted = recoverer({ destination: ({ topic }) => ({ topic }), skipSameTopicFatalExceptions: false });
    await wanted.it.recover(fatal);
    expect(wanted.sent).toHaveLength(1);
  });

  it('fails with the send, unless told that the record may be lost', async () => {
    const strict = recoverer();
    strict.sender.failure = new Error('away');
    await expect(strict.it.recover(failureOf())).rejects.toThrow('away');
    const lax = recoverer({ failIfSendResultIsError: false });
    lax.sender.failure = new Error('away');
    await lax.it.recover(failureOf());
    expect(lax.logger.lines.join()).toContain('is lost');
  });

  it('adds headers of the application, and replaces those it names', async () => {
    const added = { key: 'trace', value: Buffer.from('t2') };
    const appended = recoverer({ addHeaders: () => [added] });
    await appended.it.recover(failureOf());
    expect(appended.sent[0]!.headers!.filter(({ key }) => key === 'trace')).toHaveLength(2);
    const replaced = recoverer({ addHeaders: () => [added], replaceHeaders: ['trace'], logRecoveryRecord: true });
    await replaced.it.recover(failureOf());
    expect(replaced.sent[0]!.headers!.filter(({ key }) => key === 'trace')).toEqual([added]);
    expect(replaced.logger.lines.join()).toContain('orders-5 offset 4294967298 went to orders-dlt');
  });
});
