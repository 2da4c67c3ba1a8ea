import { type KafkaRecord } from '../../common/record.js';
import { type TopicPartition, TopicPartitionMap } from '../../common/topic-partition.js';
import { type ListenerConsumer } from '../listener/listener-consumer.js';
import { type Acknowledgment } from '../listener/listener-endpoint.js';
import { type PoolCall } from './pool-call.js';

// Acknowledgments that handlers in threads have and have not used up. One that dies with its thread can never be given:
// its partition then goes back to the record, or its commits would wait for ever.

interface Open {
  readonly acknowledgment: Acknowledgment;
  readonly record: KafkaRecord;
  readonly consumer: ListenerConsumer | undefined;
  thread: number;
  hasReturned: boolean;
}

export class PoolAcknowledgments {
  readonly #open = new Map<number, Open>();

  /** A call is sent to a thread: its handler may acknowledge. */
  open({ id, records, context, thread }: PoolCall): void {
    const { acknowledgment, consumer } = context;
    if (acknowledgment === undefined) return;
    this.#open.set(id, { acknowledgment, record: records[0]!, consumer, thread, hasReturned: false });
  }

  of(id: number): Acknowledgment | undefined {
    return this.#open.get(id)?.acknowledgment;
  }

  /** The handler has returned; `kept`: it may still acknowledge. */
  returned(id: number, kept: boolean): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    if (kept) open.hasReturned = true;
    else this.#open.delete(id);
  }

  /** Nothing is left to acknowledge, or nobody who could. */
  close(id: number): void {
    this.#open.delete(id);
  }

  /** A thread is gone: the first record of each partition whose acknowledgment went with it, and its consumer. */
  lost(thread: number): Array<{ readonly consumer: ListenerConsumer; readonly at: TopicPartition; offset: number }> {
    const first = new TopicPartitionMap<{ consumer: ListenerConsumer; at: TopicPartition; offset: number }>();
    for (const [id, { record, consumer, thread: own, hasReturned }] of this.#open) {
      if (own !== thread || !hasReturned) continue;
      this.#open.delete(id);
      if (consumer === undefined) continue;
      const { topic, partition, offset } = record;
      const found = first.getOrCreate(topic, partition, () => ({ consumer, at: { topic, partition }, offset }));
      found.offset = Math.min(found.offset, offset);
    }
    return [...first.values()];
  }

  clear(): void {
    this.#open.clear();
  }
}
