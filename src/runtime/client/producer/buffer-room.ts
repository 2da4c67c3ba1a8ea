import { type Clock } from '../../../common/clock.js';
import { ReadyGate } from '../../../common/ready-gate.js';
import { type ProducerSettings } from './producer-options.js';
import { type RecordAccumulator } from './record-accumulator.js';
import { type TopicCounts } from './topic-counts.js';
import { type WaitingSend, WaitingSends } from './waiting-sends.js';

// Who waits for room in the buffer, and whether there is any: records that wait, for room or for their topic, count as
// much as those that are in.

/** Most bytes that wait while the producer says that it has room: several requests' worth. */
const READY_BYTES = 8 * 1024 * 1024;
/** Most records: what is kept for each, its promise above all, is more than a small record itself. */
const READY_RECORDS = 16_384;

export interface BufferRoomOptions {
  readonly accumulator: RecordAccumulator;
  readonly topics: TopicCounts;
  readonly settings: ProducerSettings;
  readonly clock: Clock;
  /** Something may be sent that had to linger. */
  readonly wake: () => void;
}

export class BufferRoom {
  readonly #options: BufferRoomOptions;
  /** While there is one, later calls wait behind it. */
  readonly #waiting: WaitingSends;
  readonly #gate = new ReadyGate(() => this.isPlenty);
  #isHurrying = false;
  #isOpen = true;

  constructor(options: BufferRoomOptions) {
    this.#options = options;
    this.#waiting = new WaitingSends(options.clock, options.settings.maxBlockMs);
  }

  /** Calls that wait for room. */
  get waiting(): number {
    return this.#waiting.count;
  }

  /** Whether a record of this size goes in now, without overtaking one that waits. */
  takes(size: number): boolean {
    return this.#waiting.count === 0 && this.#options.accumulator.fits(size);
  }

  /** Calls that wait keep their records too: they get no more room than the buffer itself has. */
  isOverfull(size: number): boolean {
    const { topics, settings } = this.#options;
    if (this.#waiting.count === 0 && !topics.isWaitedFor) return false;
    return this.#waiting.bytes + topics.waitingBytes + size > settings.bufferMemory;
  }

  /**
   * Little enough waits that more may be sent without piling up; always so at the end, when sends say why they fail.
   */
  get isPlenty(): boolean {
    if (!this.#isOpen) return true;
    const { accumulator, topics, settings } = this.#options;
    if (accumulator.records + this.#waiting.count > READY_RECORDS) return false;
    const bytes = accumulator.usedBytes + this.#waiting.bytes + topics.waitingBytes;
    return bytes <= Math.min(settings.bufferMemory / 2, READY_BYTES);
  }

  whenPlenty(): Promise<void> {
    return this.#gate.wait();
  }

  wait(send: WaitingSend): void {
    this.#waiting.push(send);
    if (this.#isHurrying) return;
    // Nothing lingers while somebody waits for the memory that it holds.
    this.#isHurrying = true;
    this.#options.accumulator.beginFlush();
    this.#options.wake();
  }

  /** Puts a mark behind those that wait now, without hurrying anybody. */
  mark(mark: WaitingSend): void {
    this.#waiting.push(mark);
  }

  /** Memory was given back. */
  released(): void {
    this.#waiting.drain();
    if (this.#isHurrying && this.#waiting.count === 0) {
      this.#isHurrying = false;
      this.#options.accumulator.endFlush();
    }
    this.#gate.check();
  }

  /** A call has stopped waiting, here or for its topic. */
  left(): void {
    this.#gate.check();
  }

  giveUpAll(reason: Error): void {
    this.#waiting.giveUpAll(reason);
  }

  close(reason: Error): void {
    this.giveUpAll(reason);
    this.#isOpen = false;
    this.#gate.check();
  }
}
