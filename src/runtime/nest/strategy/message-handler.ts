import { from, isObservable, lastValueFrom, mergeMap, type Observable, of } from 'rxjs';
import { KafkaHeaders } from '../../../common/kafka-headers.js';
import { type KafkaRecord, type RecordHeader } from '../../../common/record.js';
import { DONE, type Outcome, type RecordInvoker } from '../../listener/listener-endpoint.js';
import { replyAddress } from '../../template/replies/reply-address.js';
import { lastHeader } from '../../template/serdes/outgoing-headers.js';
import { inContext } from '../handlers/listener-context.js';
import { type CallRules } from '../handlers/listener-invoker.js';
import { type ParsedMessage, parsedMessage, replyRecord } from './kafka-message.js';
import { MicroserviceContext, type RawSend } from './microservice-context.js';
import { type Reply, replyTo } from './reply-stream.js';

// One record to the `@EventPattern` or `@MessagePattern` handler for its topic: called, awaited, answered.

/** A handler as Nest gives it to a transport; attached ones are called by Nest itself. */
export interface PatternHandler {
  (data: unknown, context: unknown): unknown;
  next?: PatternHandler;
  isEventHandler?: boolean;
  extras?: Readonly<Record<string, unknown>>;
}

/** Nest's hooks around the handling of a message, which instrumentation sets. */
export interface ProcessingHooks {
  readonly start: (transportId: unknown, context: unknown, handle: () => Promise<unknown>) => unknown;
  readonly end: ((transportId: unknown, context: unknown) => void) | undefined;
}

export interface MessageHandlerOptions {
  readonly handlerFor: (topic: string) => PatternHandler | undefined;
  readonly rules: CallRules;
  readonly send: RawSend;
  readonly transportId: unknown;
  readonly hooks: () => ProcessingHooks;
}

const NEST_ERROR = 'kafka_nest-err';
const NEST_IS_DISPOSED = 'kafka_nest-is-disposed';
const FILTERED: Outcome = { status: 'skipped', reason: 'filtered' };

export function messageInvoker(options: MessageHandlerOptions): RecordInvoker {
  const { rules } = options;
  return async (record, invocation) => {
    let context: MicroserviceContext | undefined;
    try {
      if (rules.filter !== undefined && rules.filter(record) !== true) return FILTERED;
      const message = parsedMessage(record);
      const own = new MicroserviceContext(record, message, invocation, rules.listener, options.send);
      context = own;
      if (rules.isTracked) await inContext(own, () => handle(options, record, message, own));
      else await handle(options, record, message, own);
      return DONE;
    } catch (error) {
      return afterError(error, context, rules);
    }
  };
}

async function afterError(
  error: unknown,
  context: MicroserviceContext | undefined,
  { errorHandler }: CallRules,
): Promise<Outcome> {
  const known = asError(error);
  if (errorHandler === undefined || context === undefined) return { status: 'failed', error: known };
  try {
    await errorHandler(known, context);
    return DONE;
  } catch (thrown) {
    return { status: 'failed', error: thrown };
  }
}

async function handle(
  options: MessageHandlerOptions,
  record: KafkaRecord,
  message: ParsedMessage,
  context: MicroserviceContext,
): Promise<void> {
  const handler = options.handlerFor(record.topic);
  if (!handler) throw new Error(`there is no @EventPattern and no @MessagePattern for topic ${record.topic}`);
  const data = message.value ?? message;
  const request = requestIn(record);
  // Without an address for the answer it is an event, whatever its handler is called.
  const isEvent = handler.isEventHandler === true || request === undefined;
  await withHooks(options, context, async () => {
    if (isEvent) {
      const result = await handler(data, context);
      if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
      return;
    }
    const publish = (reply: Reply) => options.send(request.topic, request.partition, replyMessage(reply, request));
    await replyTo(resultStream(handler, data, context), publish, isRetriable);
  });
}

async function withHooks(
  { hooks, transportId }: MessageHandlerOptions,
  context: MicroserviceContext,
  work: () => Promise<void>,
): Promise<void> {
  const { start, end } = hooks();
  await start(transportId, context, async () => {
    try {
      await work();
    } finally {
      end?.(transportId, context);
    }
  });
}

interface Request {
  readonly topic: string;
  readonly partition: number | undefined;
  readonly correlationId: Buffer;
}

function requestIn({ headers }: KafkaRecord): Request | undefined {
  const { topic, partition } = replyAddress(headers);
  const correlationId = lastHeader(headers, KafkaHeaders.CORRELATION_ID);
  return topic && correlationId?.length ? { topic, partition, correlationId } : undefined;
}

function replyMessage({ response, err, isDisposed }: Reply, { correlationId }: Request) {
  const headers: RecordHeader[] = [{ key: KafkaHeaders.CORRELATION_ID, value: correlationId }];
  if (err !== undefined) {
    const text = typeof err === 'object' && err !== null ? JSON.stringify(err) : String(err as string);
    headers.push({ key: NEST_ERROR, value: Buffer.from(text) });
  }
  if (isDisposed) headers.push({ key: NEST_IS_DISPOSED, value: Buffer.alloc(1) });
  return replyRecord(response, headers);
}

function resultStream(handler: PatternHandler, data: unknown, context: unknown): Observable<unknown> {
  const called = async () => handler(data, context);
  return from(called()).pipe(mergeMap((value) => (isObservable(value) ? (value as Observable<unknown>) : of(value))));
}

/** By name: the class belongs to a package that may not be installed, or be there twice. */
function isRetriable(error: unknown): boolean {
  for (let at = error; typeof at === 'object' && at !== null; at = Object.getPrototypeOf(at) as unknown) {
    if ((at as object).constructor?.name === 'KafkaRetriableException') return true;
  }
  return false;
}

/** Nest turns what handlers of messages throw into plain objects. */
function asError(error: unknown): unknown {
  if (error instanceof Error) return error;
  const message = (error as { message?: unknown } | null)?.message;
  return new Error(typeof message === 'string' ? message : JSON.stringify(error), { cause: error });
}
