import { NestdawError } from '../../common/errors.js';
import { type TopicPartition, TopicPartitionMap } from '../../common/topic-partition.js';
import { type DeliverySink } from '../client/producer-client.js';
import { type ProducerRecord } from './producer-record.js';
import { type SendPipeline } from './send-pipeline.js';

// Many records with back-pressure: what waits stays small, however much the source has.

/** What `sendAll` has sent. */
export interface SendAllResult {
  /** Records acknowledged. */
  readonly count: number;
  /** For each partition that got some: offset of the last one, -1 under acks=0. */
  readonly lastOffsets: ReadonlyArray<TopicPartition & { readonly offset: number }>;
}

class Tally implements DeliverySink {
  readonly #last = new TopicPartitionMap<number>();
  #settled: (() => void) | undefined;
  begun = 0;
  acknowledged = 0;
  lost = 0;
  firstError: Error | undefined;

  stored(topic: string, partition: number, offset: number, count: number): void {
    this.acknowledged += count;
    const last = offset < 0 ? -1 : offset + count - 1;
    this.#last.set(topic, partition, Math.max(last, this.#last.get(topic, partition) ?? -1));
    this.#check();
  }

  failed(error: Error, count: number): void {
    this.lost += count;
    this.firstError ??= error;
    this.#check();
  }

  get lastOffsets(): SendAllResult['lastOffsets'] {
    return [...this.#last.topics()].flatMap((topic) =>
      [...this.#last.topic(topic)!].map(([partition, offset]) => ({ topic, partition, offset })),
    );
  }

  whenSettled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settled = resolve;
      this.#check();
    });
  }

  #check(): void {
    if (this.#settled && this.acknowledged + this.lost >= this.begun) this.#settled();
  }
}

/**
 * Sends everything that the source gives, as fast as the cluster takes it. After a failure nothing more is taken from
 * the source; what is under way is waited for, then the promise rejects.
 */
export async function sendEvery(
  pipeline: SendPipeline,
  source: Iterable<ProducerRecord> | AsyncIterable<ProducerRecord>,
): Promise<SendAllResult> {
  const tally = new Tally();
  let problem: unknown;
  try {
    if (Symbol.asyncIterator in source) await drainAsync(pipeline, source, tally);
    else await drain(pipeline, source, tally);
  } catch (error) {
    problem = error; // of the source itself
  }
  await tally.whenSettled();
  if (tally.firstError) throw incomplete(tally, tally.firstError);
  if (problem !== undefined) throw problem;
  return { count: tally.acknowledged, lastOffsets: tally.lastOffsets };
}

async function drain(pipeline: SendPipeline, source: Iterable<ProducerRecord>, tally: Tally): Promise<void> {
  for (const record of source) {
    tally.begun++;
    pipeline.enqueue(record, tally);
    if (tally.firstError) return;
    if (!pipeline.producer.hasRoom) await pipeline.producer.whenRoom();
  }
}

async function drainAsync(pipeline: SendPipeline, source: AsyncIterable<ProducerRecord>, tally: Tally): Promise<void> {
  for await (const record of source) {
    tally.begun++;
    pipeline.enqueue(record, tally);
    if (tally.firstError) return;
    if (!pipeline.producer.hasRoom) await pipeline.producer.whenRoom();
  }
}

function incomplete({ begun, lost, acknowledged }: Tally, first: Error): NestdawError {
  return new NestdawError(
    'KAFKA_DELIVERY_FAILED',
    `sendAll stopped: of ${begun} records taken from the source ${acknowledged} are acknowledged and ${lost} failed; the first one with: ${first.message}`,
    { cause: first },
  );
}
