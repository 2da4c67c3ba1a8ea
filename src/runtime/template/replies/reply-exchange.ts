import { type Clock, systemClock, type Timer } from '../../../common/clock.js';
import { NestdawError } from '../../../common/errors.js';
import { KafkaHeaders } from '../../../common/kafka-headers.js';
import { type Deferred, deferred } from '../../../common/lifecycle.js';
import { type Logger, silentLogger } from '../../../common/logger.js';
import { type Random } from '../../../common/random.js';
import { type KafkaRecord, type RecordHeader } from '../../../common/record.js';
import { type ProducerRecord, type SendResult } from '../kafka-template.js';
import { lastHeader, OutgoingHeaders } from '../serdes/outgoing-headers.js';
import { recordHeaders } from '../serializers.js';
import { CorrelationIds } from './correlation-ids.js';
import { type ReplyFuture } from './reply.js';

// Requests under way: each is sent with a correlation id, waits for what comes back under that id, and settles once.

/** Where replies come from: a consumer of the reply topic. */
export interface ReplySource {
  readonly topic: string;
  /** The one partition that is read, where requests ask for it. */
  readonly partition: number | undefined;
  /** Begins to read; resolves when it has its partitions. Harmless when repeated. */
  start(): Promise<void>;
  /** Whether it has its partitions now. */
  readonly isReady: boolean;
  stop(): Promise<void>;
  onReply: (record: KafkaRecord) => void;
}

/** What a request waits for, and what becomes of it. */
export interface Awaiting<S, A> {
  begin(options: RequestOptions): S;
  /**
   * The answer, when this reply completes it; a promise while it is being read. Throws, or rejects: the request fails.
   */
  reply(state: S, record: KafkaRecord): { readonly answer: A | Promise<A> } | undefined;
  /** The answer, where time ran out and what came is enough. */
  timedOut(state: S): { readonly answer: A | Promise<A> } | undefined;
}

export interface RequestOptions {
  /** Ms until the request fails with KAFKA_REPLY_TIMEOUT. Default: the template's. */
  readonly timeoutMs?: number | undefined;
  /** Class of the reply's value. */
  readonly type?: (abstract new (...args: never[]) => unknown) | undefined;
}

/** The part of a template that requests need. */
export interface RequestTemplate {
  send(record: ProducerRecord): Promise<SendResult>;
}

export interface ReplyExchangeOptions {
  readonly template: RequestTemplate;
  readonly source: ReplySource;
  /** Default 5,000. */
  readonly defaultReplyTimeoutMs?: number | undefined;
  /** Others read the same topic: replies that nobody here waits for are theirs. Default false: they are logged. */
  readonly sharedReplyTopic?: boolean | undefined;
  /** Id of a request. Default: 16 bytes that never come twice. */
  readonly correlationId?: ((record: ProducerRecord) => string | Uint8Array) | undefined;
  /** False: the default ids are hexadecimal text. Default true, as in Spring. */
  readonly binaryCorrelation?: boolean | undefined;
  /** Default `kafka_correlationId`. */
  readonly correlationHeader?: string | undefined;
  /** Default `kafka_replyTopic`. */
  readonly replyTopicHeader?: string | undefined;
  /** Default `kafka_replyPartition`. */
  readonly replyPartitionHeader?: string | undefined;
  /** Most requests that may wait at once; more reject with KAFKA_BUFFER_FULL. Default 100,000. */
  readonly maxOutstanding?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  readonly logger?: Logger | undefined;
}

interface Pending<S, A> {
  readonly key: string;
  readonly state: S;
  readonly settle: Deferred<A>;
  readonly timer: Timer;
}

const TIMEOUT_MS = 5_000;
const MOST_OUTSTANDING = 100_000;

export class ReplyExchange<S, A> {
  readonly #options: ReplyExchangeOptions;
  readonly #awaiting: Awaiting<S, A>;
  readonly #pending = new Map<string, Pending<S, A>>();
  readonly #ids: CorrelationIds;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #address: readonly RecordHeader[];
  #isStopped = false;

  constructor(options: ReplyExchangeOptions, awaiting: Awaiting<S, A>) {
    this.#options = options;
    this.#awaiting = awaiting;
    this.#ids = new CorrelationIds(options.random);
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#address = addressHeaders(options);
    options.source.onReply = (record) => this.#onReply(record);
  }

  /** Requests that wait for their replies. */
  get outstanding(): number {
    return this.#pending.size;
  }

  start(): Promise<void> {
    return this.#options.source.start();
  }

  exchange(given: ProducerRecord, options: RequestOptions): ReplyFuture<A> {
    const { source, correlationId, binaryCorrelation = true, correlationHeader, maxOutstanding } = this.#options;
    let sent: Promise<SendResult>;
    const settle = deferred<A>();
    settle.promise.catch(() => undefined); // a request whose answer nobody looks at does not end the process
    try {
      if (this.#isStopped) throw stopped(source.topic);
      const most = maxOutstanding ?? MOST_OUTSTANDING;
      if (this.#pending.size >= most) throw tooMany(source.topic, most);
      const id = idBytes(correlationId ? correlationId(given) : this.#ids.next(), !correlationId && !binaryCorrelation);
      const record = this.#request(given, correlationHeader ?? KafkaHeaders.CORRELATION_ID, id);
      const pending = this.#await(id, given.topic, settle, options);
      sent = source.isReady ? this.#options.template.send(record) : this.#sendWhenReady(record, pending);
      sent.catch((error: unknown) => this.#fail(pending, error));
    } catch (error) {
      sent = Promise.reject(error as Error);
      sent.catch(() => undefined);
      settle.reject(error);
    }
    return Object.assign(settle.promise, { sent });
  }

  /** What waits fails with KAFKA_STOPPED. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const pending of this.#pending.values()) this.#fail(pending, stopped(this.#options.source.topic));
    await this.#options.source.stop();
  }

  async #sendWhenReady(record: ProducerRecord, pending: Pending<S, A>): Promise<SendResult> {
    await this.#options.source.start();
    if (!this.#pending.has(pending.key)) throw noReply(record.topic, this.#options.source, 0);
    return this.#options.template.send(record);
  }

  #await(id: Buffer, topic: string, settle: Deferred<A>, options: RequestOptions): Pending<S, A> {
    const key = id.toString('latin1');
    if (this.#pending.has(key)) {
      const message = `a request with the correlation id ${id.toString('hex')} waits already: ids must differ`;
      throw new NestdawError('KAFKA_CONFIG_INVALID', message);
    }
    const timeoutMs = options.timeoutMs ?? this.#options.defaultReplyTimeoutMs ?? TIMEOUT_MS;
    const timer = this.#clock.schedule(timeoutMs, () => this.#timedOut(pending, topic, timeoutMs));
    const pending: Pending<S, A> = { key, state: this.#awaiting.begin(options), settle, timer };
    this.#pending.set(key, pending);
    return pending;
  }

  #request(given: ProducerRecord, name: string, id: Buffer): ProducerRecord {
    const headers = new OutgoingHeaders(recordHeaders(given.topic, given.headers));
    headers.set(name, id);
    for (const { key, value } of this.#address) if (headers.last(key) === undefined) headers.add(key, value);
    return { ...given, headers: headers.all };
  }

  #onReply(record: KafkaRecord): void {
    const { correlationHeader = KafkaHeaders.CORRELATION_ID } = this.#options;
    const id = lastHeader(record.headers, correlationHeader);
    const where = `${record.topic}-${record.partition}@${record.offset}`;
    if (!id) {
      this.#logger.error(`${where} is no reply: it has no header ${correlationHeader}`);
      return;
    }
    const pending = this.#pending.get(id.toString('latin1'));
    if (pending === undefined) {
      const text = `nobody waits for the reply ${where} (correlation id ${id.toString('hex')}): it came too late`;
      if (this.#options.sharedReplyTopic) this.#logger.debug?.(`${text}, or is another process's`);
      else this.#logger.error(`${text}, or others read this topic too (then set sharedReplyTopic)`);
      return;
    }
    try {
      const done = this.#awaiting.reply(pending.state, record);
      if (done !== undefined) this.#finish(pending, done.answer);
    } catch (error) {
      this.#fail(pending, error);
    }
  }

  #timedOut(pending: Pending<S, A>, topic: string, timeoutMs: number): void {
    const { source } = this.#options;
    try {
      const done = this.#awaiting.timedOut(pending.state);
      if (done !== undefined) this.#finish(pending, done.answer);
      else this.#fail(pending, noReply(topic, source, timeoutMs));
    } catch (error) {
      this.#fail(pending, error);
    }
  }

  #finish(pending: Pending<S, A>, answer: A | Promise<A>): void {
    this.#end(pending);
    pending.settle.resolve(answer);
  }

  #fail(pending: Pending<S, A>, error: unknown): void {
    this.#end(pending);
    pending.settle.reject(error);
  }

  #end(pending: Pending<S, A>): void {
    pending.timer.cancel();
    if (this.#pending.get(pending.key) === pending) this.#pending.delete(pending.key);
  }
}

function addressHeaders({ source, replyTopicHeader, replyPartitionHeader }: ReplyExchangeOptions): RecordHeader[] {
  const topic = { key: replyTopicHeader ?? KafkaHeaders.REPLY_TOPIC, value: Buffer.from(source.topic) };
  if (source.partition === undefined) return [topic];
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(source.partition);
  return [topic, { key: replyPartitionHeader ?? KafkaHeaders.REPLY_PARTITION, value: bytes }];
}

function idBytes(id: string | Uint8Array, asText: boolean): Buffer {
  const bytes = typeof id === 'string' ? Buffer.from(id) : Buffer.from(id);
  return asText ? Buffer.from(bytes.toString('hex')) : bytes;
}

function noReply(topic: string, source: ReplySource, timeoutMs: number): NestdawError {
  const why = source.isReady
    ? `no reply on ${source.topic} within ${timeoutMs} ms: is there a listener for ${topic} that answers (@SendTo)?`
    : `the reply topic ${source.topic} has no partitions here yet, after ${timeoutMs} ms: the request was not sent`;
  return new NestdawError('KAFKA_REPLY_TIMEOUT', `request to ${topic}: ${why}`, { retriable: true });
}

function stopped(topic: string): NestdawError {
  return new NestdawError('KAFKA_STOPPED', `the application ends: replies on ${topic} are not waited for any more`);
}

function tooMany(topic: string, most: number): NestdawError {
  const message = `${most} requests wait for replies on ${topic} (maxOutstanding): await some before sending more`;
  return new NestdawError('KAFKA_BUFFER_FULL', message, { retriable: true });
}
