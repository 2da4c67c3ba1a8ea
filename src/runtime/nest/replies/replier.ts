import { messageOf, NestdawError } from '../../../common/errors.js';
import { KafkaHeaders } from '../../../common/kafka-headers.js';
import { type Logger } from '../../../common/logger.js';
import { type KafkaRecord } from '../../../common/record.js';
import { isRecordToSend } from '../../../decorators/record-to-send.js';
import { isMessage, type KafkaMessage, type ProducerRecord, recordOfMessage } from '../../template/producer-record.js';
import { OutgoingHeaders } from '../../template/serdes/outgoing-headers.js';
import { recordHeaders } from '../../template/serializers.js';
import { type KafkaListenerContext } from '../handlers/listener-context.js';
import { positionOf } from '../handlers/payload-converter.js';
import { type ReplyPlan } from './reply-plan.js';

// What a listener's method returned, sent as replies.

/** The part of a template that replies need. */
export interface ReplyTemplate {
  send(record: ProducerRecord): Promise<unknown>;
}

/** Sends the replies of one call; undefined when there is nothing to wait for. Rejects with KAFKA_REPLY_NOT_SENT. */
export type Replier = (result: unknown, context: KafkaListenerContext) => Promise<void> | undefined;

export interface ReplierOptions {
  readonly plan: ReplyPlan;
  readonly template: ReplyTemplate;
  readonly batch: boolean;
  readonly logger: Logger;
}

export function replier(options: ReplierOptions): Replier {
  const { plan, batch } = options;
  return (result, { record, records }) => {
    if (result === undefined) return undefined;
    if (plan.splitIterables && isAsyncIterable(result)) return sendStream(options, record, result);
    if (plan.splitIterables && isIterable(result)) {
      const all = [...result];
      // One result for each record of a batch answers that record.
      const isPaired = batch && all.length === records.length;
      return settledAll(all.map((one, index) => sendOne(options, isPaired ? records[index]! : record, one)));
    }
    return sendOne(options, record, result);
  };
}

async function sendStream(
  options: ReplierOptions,
  request: KafkaRecord,
  results: AsyncIterable<unknown>,
): Promise<void> {
  for await (const result of results) await sendOne(options, request, result);
}

function sendOne(options: ReplierOptions, request: KafkaRecord, result: unknown): Promise<void> | undefined {
  if (result === undefined) return undefined;
  let reply: ProducerRecord | undefined;
  try {
    reply = replyOf(options.plan, request, result);
    if (reply === undefined) {
      options.logger.debug?.(`${positionOf(request)} asks for no reply, and @SendTo names no topic: none is sent`);
      return undefined;
    }
    return options.template.send(reply).then(
      () => undefined,
      (error: unknown) => {
        throw notSent(request, reply!.topic, error);
      },
    );
  } catch (error) {
    return Promise.reject(notSent(request, reply?.topic, error));
  }
}

/** All settle before one failure is told: nothing is sent behind the back of a record that runs again. */
function settledAll(sends: ReadonlyArray<Promise<void> | undefined>): Promise<void> | undefined {
  const waiting = sends.filter((one) => one !== undefined);
  if (waiting.length === 0) return undefined;
  return Promise.allSettled(waiting).then((ends) => {
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  });
}

function replyOf(plan: ReplyPlan, request: KafkaRecord, result: unknown): ProducerRecord | undefined {
  const own = ownPlace(result);
  const wanted = own === undefined ? plan.addressOf(request, result) : { topic: own, partition: undefined };
  const { topic } = wanted;
  if (topic === undefined) return undefined;
  const record = recordOf(result, topic, request);
  const headers = new OutgoingHeaders(request.headers.filter(({ key, value }) => plan.copies(key, value)));
  for (const header of recordHeaders(topic, plan.headers)) headers.set(header.key, header.value);
  const correlation = correlationOf(plan, request);
  if (correlation !== undefined) headers.set(plan.correlationHeader, correlation);
  for (const header of recordHeaders(topic, record.headers)) headers.set(header.key, header.value);
  return { ...record, partition: record.partition ?? wanted.partition, headers: headers.all };
}

/** The topic that a result says itself. */
function ownPlace(result: unknown): string | undefined {
  if (isRecordToSend(result)) return result.parts.topic;
  const topic = isReply(result) ? result.headers[KafkaHeaders.TOPIC] : undefined;
  return topic === undefined ? undefined : String(topic);
}

function recordOf(result: unknown, topic: string, request: KafkaRecord): ProducerRecord {
  if (isReply(result)) return recordOfMessage(result, topic);
  if (isRecordToSend(result)) return { key: request.key, ...result.parts, topic, value: result.value };
  return { topic, key: request.key, value: result };
}

/** Exactly these two properties: anything else is a payload that happens to have them. */
function isReply(result: unknown): result is KafkaMessage {
  return typeof result === 'object' && result !== null && isMessage(result) && Object.keys(result).length === 2;
}

function correlationOf({ correlationHeader }: ReplyPlan, { headers }: KafkaRecord): Buffer | null | undefined {
  return new OutgoingHeaders(headers).last(correlationHeader);
}

function notSent(request: KafkaRecord, topic: string | undefined, error: unknown): NestdawError {
  const where = topic === undefined ? '' : ` to ${topic}`;
  return new NestdawError(
    'KAFKA_REPLY_NOT_SENT',
    `the reply${where} of ${positionOf(request)} was not sent: ${messageOf(error)}`,
    {
      cause: error,
    },
  );
}

function isIterable(value: unknown): value is Iterable<unknown> {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Map) return false;
  return typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function';
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
