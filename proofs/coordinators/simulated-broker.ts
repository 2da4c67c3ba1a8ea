import { Broker } from '../../src/broker/broker.js';
import { MemoryFileSystem } from '../../src/broker/log/disk/memory-file-system.js';
import { type Clock, sleep } from '../../src/common/clock.js';
import { silentLogger } from '../../src/common/logger.js';
import { type Random, seededRandom } from '../../src/common/random.js';
import { type InMemoryConnection, type InMemoryExchange } from '../../src/runtime/client/cluster/in-memory-cluster.js';
import { type ManualClock } from '../../test/support/manual-clock.js';

// The broker of a simulation and the network in front of it. It can be killed, its disk outliving it, and stopped;
// requests and answers take their time, and some of them are lost, with their connection, as TCP loses them.

/**
 * What passed: a request that the broker answered, whether or not anybody heard it. `isLate`: its client had given it
 * up before it arrived.
 */
export type Observer = (request: Buffer, answer: Buffer, isLate: boolean) => void;

const ADDRESS = { host: 'in-memory', port: 9092 };

export class SimulatedBroker {
  readonly #fileSystem: MemoryFileSystem;
  readonly #network: Random;
  #broker: Broker | undefined;
  #life = new AbortController();
  #starts = 0;
  /** Ends of requests that the broker is working on. */
  readonly #waiting = new Set<() => void>();
  /** Share of requests or answers that are lost. */
  lossShare = 0;
  maxDelayMs = 0;
  lost = 0;

  constructor(
    readonly clock: ManualClock,
    readonly seed: number,
    readonly observe: Observer,
  ) {
    this.#fileSystem = new MemoryFileSystem({ clock });
    this.#network = seededRandom(seed ^ 0x5eed);
  }

  get isUp(): boolean {
    return this.#broker !== undefined;
  }

  async start(): Promise<void> {
    this.#life = new AbortController();
    this.#broker = await Broker.start({
      port: 0,
      fileSystem: this.#fileSystem,
      clock: mortal(this.clock, this.#life.signal),
      random: seededRandom(this.seed + ++this.#starts),
      logger: silentLogger,
      bootId: 'one',
      config: { 'group.initial.rebalance.delay.ms': '0', 'offsets.topic.num.partitions': '2' },
    });
  }

  /** The process dies: what it had written stays, nothing of it runs on. */
  async kill(): Promise<void> {
    const broker = this.#broker;
    this.#broker = undefined;
    this.#breakAll();
    this.#fileSystem.crash();
    // Only frees the port: its clock stands still and its files are dead.
    await broker?.stop().catch(() => undefined);
  }

  async stop(): Promise<void> {
    const broker = this.#broker;
    this.#broker = undefined;
    const stopped = broker?.stop();
    await this.clock.advance(1500);
    await stopped;
    this.#breakAll();
  }

  /** A request that meets no trouble on its way. */
  async ask(frame: Buffer): Promise<Buffer> {
    return (await this.#broker!.exchangeFrame(frame))!;
  }

  /** The broker as one client reaches it; `alive` ends with the client's process, `isCut` says that its network is. */
  exchangeFor(alive: AbortSignal, isCut = () => false): InMemoryExchange {
    return (frame, connection) => (isCut() ? this.#lose() : this.#exchange(frame, connection, alive));
  }

  async #exchange(frame: Buffer, connection: InMemoryConnection, alive: AbortSignal): Promise<Buffer | undefined> {
    await this.#travel();
    if (alive.aborted) return new Promise(() => undefined);
    if (this.#network.next() < this.lossShare) return this.#lose();
    const broker = this.#broker;
    if (!broker) throw new Error('connect ECONNREFUSED');
    const isLate = connection.closed.aborted;
    const pieces = await this.#untilBroken(broker.exchange(frame, { closed: connection.closed, advertised: ADDRESS }));
    if (pieces === 'close') throw new Error('closed by the broker');
    const answer = pieces && Buffer.concat(pieces as Buffer[]).subarray(4);
    if (answer) this.observe(frame, answer, isLate);
    if (this.#network.next() < this.lossShare) return this.#lose();
    await this.#travel();
    return alive.aborted ? new Promise(() => undefined) : answer;
  }

  /** The answer, or the end of the broker: a dead one says nothing, but its connections break. */
  #untilBroken<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const breakOff = (): void => reject(new Error('read ECONNRESET'));
      this.#waiting.add(breakOff);
      answer.then(resolve, reject).finally(() => this.#waiting.delete(breakOff));
    });
  }

  #breakAll(): void {
    this.#life.abort();
    for (const breakOff of this.#waiting) breakOff();
    this.#waiting.clear();
  }

  async #travel(): Promise<void> {
    const delay = Math.floor(this.#network.next() ** 4 * this.maxDelayMs);
    if (delay > 0) await sleep(this.clock, delay);
  }

  async #lose(): Promise<never> {
    this.lost++;
    throw new Error('read ECONNRESET');
  }
}

/** A clock whose timers die with their process. */
export function mortal(clock: Clock, death: AbortSignal): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    schedule: (delayMs, action) => {
      if (death.aborted) return { cancel: () => undefined };
      return clock.schedule(delayMs, () => {
        if (!death.aborted) action();
      });
    },
  };
}
