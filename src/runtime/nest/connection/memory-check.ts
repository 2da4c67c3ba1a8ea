import { FETCH_BUFFER_BYTES } from '../../client/consumer/consumer-options.js';
import { type Mistake } from '../../config/mistakes.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';
import { type ConsumerNumbers } from './client-options.js';

// Fetch sizes times consumers, held against the memory there is, before the first of them is used up. A consumer keeps
// what it has fetched within a buffer, and asks for one partition's share even when that is full; a pool holds what its
// workers have not handled.

const MIB = 1_048_576;

type Sizes = Pick<ConsumerNumbers, 'fetchMaxBytes' | 'maxPartitionFetchBytes'>;

export class MemoryCheck {
  #answers = 0;
  #total = 0;
  #consumers = 0;

  /** @param limit bytes that the process may use */
  constructor(readonly limit: number) {}

  /**
   * Adds the consumers of a listener; a listener whose answers alone do not fit is a mistake. `ofPool`: bytes that wait
   * for its workers at most.
   */
  add(
    { id, concurrency: consumers }: Pick<ListenerEndpoint, 'id' | 'concurrency'>,
    { fetchMaxBytes = 0, maxPartitionFetchBytes = 0 }: Sizes,
    mistakes: Mistake[],
    ofPool = 0,
  ): void {
    const answer = Math.min(fetchMaxBytes, maxPartitionFetchBytes);
    this.#answers += consumers * answer;
    this.#total += consumers * (answer + FETCH_BUFFER_BYTES) + ofPool;
    this.#consumers += consumers;
    if (this.#answers <= this.limit) return;
    mistakes.push({
      origin: `listener ${id}`,
      problem:
        `with its ${consumers} consumer(s) the listeners may fetch ${mib(this.#answers)} at once, and this process has ` +
        `${mib(this.limit)}: lower max.partition.fetch.bytes (${maxPartitionFetchBytes}) or fetch.max.bytes ` +
        `(${fetchMaxBytes}), or the concurrency of listeners`,
    });
  }

  /** What is worth a word although it may work. */
  notice(): string | undefined {
    if (this.#answers > this.limit || this.#total <= this.limit) return undefined;
    return (
      `${this.#consumers} consumers may hold ${mib(this.#total)} of fetched records together, and this process has ` +
      `${mib(this.limit)}: with all of them behind at once it may run out of memory; lower the concurrency of ` +
      'listeners, or kafka.listener.memory-budget of their pools'
    );
  }
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}
