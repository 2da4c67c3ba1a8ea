import { type ProducerMetricValues } from '../producer-client.js';
import { type ProducerBatch } from './producer-batch.js';

// What a producer counts, per batch and request and never per record. Names are Kafka's, of the group
// `producer-metrics`; means are over the producer's whole life.

export class ProducerMetrics {
  #records = 0;
  #recordErrors = 0;
  #recordRetries = 0;
  #batches = 0;
  #batchBytes = 0;
  #largestBatch = 0;
  #plainBytes = 0;
  #splits = 0;
  #queueMs = 0;
  #longestQueueMs = 0;
  #requests = 0;
  #answers = 0;
  #latencyMs = 0;
  #longestLatencyMs = 0;
  #throttleMs = 0;
  #longestThrottleMs = 0;
  #requestBytes = 0;

  /** A batch goes out for the first time; `plainBytes` is its size without compression. */
  firstAttempt(batch: ProducerBatch, plainBytes: number, now: number): void {
    const waited = now - batch.createdAt;
    this.#records += batch.count;
    this.#batches++;
    this.#batchBytes += batch.sizeInBytes;
    this.#plainBytes += plainBytes;
    this.#largestBatch = Math.max(this.#largestBatch, batch.sizeInBytes);
    this.#queueMs += waited;
    this.#longestQueueMs = Math.max(this.#longestQueueMs, waited);
  }

  laterAttempt(batch: ProducerBatch): void {
    this.#recordRetries += batch.count;
  }

  failed(count: number): void {
    this.#recordErrors += count;
  }

  split(): void {
    this.#splits++;
  }

  sent(bytes: number): void {
    this.#requests++;
    this.#requestBytes += bytes;
  }

  answered(latencyMs: number, throttleMs: number): void {
    this.#answers++;
    this.#latencyMs += latencyMs;
    this.#longestLatencyMs = Math.max(this.#longestLatencyMs, latencyMs);
    this.#throttleMs += throttleMs;
    this.#longestThrottleMs = Math.max(this.#longestThrottleMs, throttleMs);
  }

  values(batchSize: number): ProducerMetricValues {
    const batchMean = mean(this.#batchBytes, this.#batches);
    return {
      'record-send-total': this.#records,
      'record-error-total': this.#recordErrors,
      'record-retry-total': this.#recordRetries,
      'record-queue-time-avg': mean(this.#queueMs, this.#batches),
      'record-queue-time-max': this.#longestQueueMs,
      'records-per-request-avg': mean(this.#records + this.#recordRetries, this.#requests),
      'batch-size-avg': batchMean,
      'batch-size-max': this.#largestBatch,
      /** Ours: how full batches go out, 1 for batch.size. */
      'batch-fill-ratio': batchSize === 0 ? 1 : mean(this.#plainBytes, this.#batches) / batchSize,
      'batch-split-total': this.#splits,
      'compression-rate-avg': this.#plainBytes === 0 ? 1 : this.#batchBytes / this.#plainBytes,
      'request-total': this.#requests,
      'request-latency-avg': mean(this.#latencyMs, this.#answers),
      'request-latency-max': this.#longestLatencyMs,
      'produce-throttle-time-avg': mean(this.#throttleMs, this.#answers),
      'produce-throttle-time-max': this.#longestThrottleMs,
      'outgoing-byte-total': this.#requestBytes,
    };
  }
}

function mean(sum: number, count: number): number {
  return count === 0 ? 0 : sum / count;
}
