import { type Random, seededRandom } from '../src/common/random.js';
import { type Api } from '../src/protocol/api.js';
import { apisByKey } from '../src/protocol/api-keys.js';
import { flush } from '../test/support/manual-clock.js';
import { FuzzedBroker, TOPICS } from './fuzz/fuzzed-broker.js';
import { mutate } from './fuzz/mutation.js';
import { RequestMaker } from './fuzz/request-maker.js';
import { Watchdog } from './fuzz/watchdog.js';
import { type Proof, type ProofContext, type ProofResult } from './proof.js';

// Throws requests at a broker: sound ones of every API and version with values at the edges, and damaged copies of
// them, a share over sockets. It must neither fall nor hang nor grow, other connections must go on, no handler may meet
// what it did not expect, and what was stored must be sound, also for the next start. A cycle is one input.

/** Inputs for one broker; then its store is checked and a fresh one takes over. */
const EPOCH = 10_000;
const SOCKET_INPUTS = 100;
const STOCK = 3000;
/** Ten thousand partitions may be asked for in one request, and are made. */
const SLOW_MS = 5000;
const HANG_MS = 30_000;
/** The first epochs warm compilers and caches up. */
const WARM_UP_EPOCHS = 3;
const WORDS =
  'group-a group-b consumer range new-topic 1 __consumer_offsets cleanup.policy retention.ms segment.bytes ' +
  'max.message.bytes compact delete 100';
const NAMES = ['', ...Object.keys(TOPICS), ...WORDS.split(' ')];
/** How often these are chosen, where others are once: Produce and Fetch carry batches. */
const WEIGHTS: Readonly<Record<number, number>> = { 0: 8, 1: 3, 2: 2, 11: 3, 14: 3 };
const MAX_GROWTH_BYTES = 48 * 1024 * 1024;

export const fuzz: Proof = {
  name: 'fuzz',
  summary: 'frames and batches, sound and damaged, against the broker: no fall, no hang, no growth, a sound log',
  defaultCycles: 10_000_000,
  run: (context) => new FuzzRun(context).run(),
};

class FuzzRun {
  readonly #random: Random;
  readonly #problems: string[] = [];
  readonly #watchdog: Watchdog;
  #inputs = 0;
  #overSockets = 0;
  #answered = 0;
  #closed = 0;
  #stored = 0;
  #slowestMs = 0;
  #heapAfterWarmUp = Number.NaN;
  #heap = 0;

  constructor(readonly context: ProofContext) {
    this.#random = seededRandom(context.seed);
    this.#watchdog = new Watchdog(HANG_MS, context.seed);
  }

  async run(): Promise<ProofResult> {
    const { cycles, seconds, progress } = this.context;
    const until = performance.now() + seconds * 1000;
    const unexpected = (error: unknown): void => void this.#problems.push(`unhandled: ${(error as Error).stack}`);
    process.on('unhandledRejection', unexpected);
    process.on('uncaughtException', unexpected);
    try {
      for (let epoch = 0; this.#inputs < cycles && performance.now() < until && this.#isFine; epoch++) {
        await this.#epoch(Math.min(EPOCH, cycles - this.#inputs));
        await this.#measure(epoch);
        if (epoch % 10 === 0) progress(this.#figures());
      }
    } finally {
      process.off('unhandledRejection', unexpected);
      process.off('uncaughtException', unexpected);
      await this.#watchdog.stop();
    }
    return { passed: this.#isFine, figures: this.#figures(), details: this.#problems.slice(0, 20) };
  }

  get #isFine(): boolean {
    return this.#problems.length === 0;
  }

  #figures(): string {
    const grown = (this.#heap - this.#heapAfterWarmUp) / 1e6;
    const growth = Number.isNaN(grown) ? 'warming up' : `heap ${grown.toFixed(1)} MB over its warm state`;
    return (
      `${this.#inputs} inputs (${this.#overSockets} over sockets) · ${this.#answered} answered, ` +
      `${this.#closed} closed, ${this.#stored} records stored · slowest ${Math.round(this.#slowestMs)} ms · ` +
      `${(this.#heap / 1e6).toFixed(0)} MB heap, ${growth}`
    );
  }

  async #epoch(inputs: number): Promise<void> {
    const before = this.#inputs;
    const broker = await FuzzedBroker.start(this.#random);
    const maker = new RequestMaker(this.#random, {
      topics: Object.keys(TOPICS),
      names: NAMES,
      topicIds: await broker.ensureTopics(),
    });
    const apis = await servedApis(broker);
    const stock: Buffer[] = [];
    for (let i = 0; i < inputs && this.#isFine; i++) {
      const frame = this.#input(maker, apis, stock);
      const started = performance.now();
      await broker.take(frame);
      this.#note(performance.now() - started, frame);
      if (i % 500 === 499) {
        await flush(1);
        await broker.ensureTopics();
        this.#watchdog.progress(this.#inputs);
      }
      if (i % Math.floor(EPOCH / SOCKET_INPUTS) === 0) await this.#overSocket(broker, frame);
      this.#problems.push(...broker.errors.splice(0));
      if (!this.#isFine) this.#problems.push(`input ${this.#inputs}: ${frame.toString('hex').slice(0, 4000)}`);
    }
    if (!this.#isFine) return;
    await broker.neighbourIsServed();
    await broker.checkLogs();
    await broker.finish(this.#random);
    this.#answered += broker.answered;
    this.#closed += broker.closed;
    this.#stored += broker.stored;
    for (const error of broker.errors) this.#problems.push(`inputs ${before} to ${this.#inputs}: ${error}`);
  }

  #note(ms: number, frame: Buffer): void {
    this.#inputs++;
    this.#slowestMs = Math.max(this.#slowestMs, ms);
    if (ms > SLOW_MS) this.#problems.push(`took ${ms} ms: ${frame.toString('hex').slice(0, 4000)}`);
  }

  #input(maker: RequestMaker, apis: readonly Served[], stock: Buffer[]): Buffer {
    const random = this.#random;
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random.next() * values.length)]!;
    if (stock.length < STOCK || random.next() < 0.1) {
      const { api, min, max } = pick(apis);
      const version = min + Math.floor(random.next() * (max - min + 1));
      const frame = maker.frame(api, version);
      if (stock.length < STOCK) stock.push(frame);
      else stock[Math.floor(random.next() * STOCK)] = frame;
      return Buffer.from(frame);
    }
    return mutate(random, pick(stock), pick(stock));
  }

  async #overSocket(broker: FuzzedBroker, frame: Buffer): Promise<void> {
    const random = this.#random;
    const size = Buffer.alloc(4);
    size.writeInt32BE(random.next() < 0.8 ? frame.length : Math.floor((random.next() - 0.3) * 0x7fff_ffff));
    await broker.overSocket(Buffer.concat([size, frame, random.next() < 0.3 ? random.bytes(200) : Buffer.alloc(0)]));
    this.#overSockets++;
    if (this.#overSockets % 10 === 0) await broker.neighbourIsServed();
  }

  async #measure(epoch: number): Promise<void> {
    // What a first collection frees may still hold something through a finalizer.
    for (let round = 0; round < 3; round++) {
      globalThis.gc?.();
      await flush(1);
    }
    const { heapUsed, external } = process.memoryUsage();
    this.#heap = heapUsed + external;
    if (epoch === WARM_UP_EPOCHS) this.#heapAfterWarmUp = this.#heap;
    const growth = this.#heap - this.#heapAfterWarmUp;
    if (growth > MAX_GROWTH_BYTES && globalThis.gc) this.#problems.push(`memory grew by ${growth} bytes`);
  }
}

interface Served {
  readonly api: Api;
  readonly min: number;
  readonly max: number;
}

async function servedApis(broker: FuzzedBroker): Promise<Served[]> {
  return (await broker.served()).flatMap(({ apiKey, minVersion, maxVersion }) => {
    const api = apisByKey.get(apiKey)!;
    const served = { api, min: Math.max(minVersion, api.minVersion), max: maxVersion };
    return Array.from({ length: WEIGHTS[apiKey] ?? 1 }, () => served);
  });
}
