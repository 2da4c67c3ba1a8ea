import { type KafkaRecord } from '../../../common/record.js';
import { type ProducerRecord } from '../kafka-template.js';
import { defaultReplyErrorChecker, type Reply, type ReplyFuture } from './reply.js';
import { ReplyExchange, type RequestOptions } from './reply-exchange.js';
import { type ReplyingTemplateOptions, replyOf } from './replying-kafka-template.js';

/**
 * Whether the replies so far are all that is waited for; asked at each one, and once more when time has run out if
 * `returnPartialOnTimeout` is set.
 */
export type ReleaseStrategy = (replies: readonly KafkaRecord[], timedOut: boolean) => boolean;

export interface AggregatingTemplateOptions extends ReplyingTemplateOptions {
  readonly releaseStrategy: ReleaseStrategy;
  /** Whether what came resolves the request when time has run out and the strategy agrees. Default false. */
  readonly returnPartialOnTimeout?: boolean | undefined;
}

/** What several sides answered. */
export interface AggregatedReplies<R> {
  /** `partialResultsAfterTimeout` where time ran out, as in Spring. */
  readonly topic: 'aggregatedResults' | 'partialResultsAfterTimeout';
  readonly isPartial: boolean;
  /** In the order in which they came. */
  readonly replies: ReadonlyArray<Reply<R>>;
}

interface Collected {
  readonly type: RequestOptions['type'];
  readonly records: KafkaRecord[];
}

/**
 * One request, several replies (Spring: `AggregatingReplyingKafkaTemplate`). Made with
 * `provideAggregatingReplyingKafkaTemplate`. A reply that is an error fails the request.
 */
export class AggregatingReplyingKafkaTemplate<T = any, R = any> {
  readonly #exchange: ReplyExchange<Collected, AggregatedReplies<any>>;

  constructor(options: AggregatingTemplateOptions) {
    const { releaseStrategy, returnPartialOnTimeout = false, read } = options;
    const check = options.replyErrorChecker ?? defaultReplyErrorChecker;
    const answer = async ({ records, type }: Collected, isPartial: boolean): Promise<AggregatedReplies<any>> => ({
      topic: isPartial ? 'partialResultsAfterTimeout' : 'aggregatedResults',
      isPartial,
      replies: await Promise.all(records.map(async (record) => replyOf<any>(record, await read(record, type)))),
    });
    this.#exchange = new ReplyExchange<Collected, AggregatedReplies<any>>(options, {
      begin: ({ type }) => ({ type, records: [] }),
      reply(collected, record) {
        const error = check(record);
        if (error !== undefined) throw error;
        collected.records.push(record);
        return releaseStrategy(collected.records, false) ? { answer: answer(collected, false) } : undefined;
      },
      timedOut(collected) {
        if (!returnPartialOnTimeout || !releaseStrategy(collected.records, true)) return undefined;
        return { answer: answer(collected, true) };
      },
    });
  }

  /** Sends a record and resolves with its replies when the release strategy says so; rejects as a single request. */
  sendAndReceive<A = R>(record: ProducerRecord<T>, options: RequestOptions = {}): ReplyFuture<AggregatedReplies<A>> {
    return this.#exchange.exchange(record, options);
  }

  /** Requests that wait for their replies. */
  get outstanding(): number {
    return this.#exchange.outstanding;
  }

  /** Resolves when replies can come; requests wait for that by themselves. */
  ready(): Promise<void> {
    return this.#exchange.start();
  }

  /** Ends it: what waits rejects with KAFKA_STOPPED. The application's end does that. */
  stop(): Promise<void> {
    return this.#exchange.stop();
  }
}
