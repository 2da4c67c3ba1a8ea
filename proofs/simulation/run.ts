import { type Random, seededRandom } from '../../src/common/random.js';
import { type Api, type RequestInput, type ResponseOf } from '../../src/protocol/api.js';
import { decodeResponsePayload, encodeRequestFrame } from '../../src/protocol/frame.js';
import { CreateTopics, Produce } from '../../src/protocol/messages/index.js';
import { encodeRecords } from '../../src/protocol/record-batch.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { SimulatedBroker } from '../coordinators/simulated-broker.js';
import { type SimulatedRun } from '../seeded-runs.js';
import { Ledger, MAX_DELAY_MS } from './ledger.js';
import { SimulatedProcess, TOPIC } from './process.js';
import { drawSetup, type Setup, setupText } from './setup.js';

// One run: processes with the same listener over our broker, trouble for a while, then calm, in which everything must
// be worked off and committed. The same seed gives the same run.

export interface RunResult extends SimulatedRun {
  readonly setup: string;
}

const MAX_PROCESSES = 4;
const STEPS = 25;
const CALM_MS = 240_000;
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

export async function simulateListeners(seed: number, given: Partial<Setup> = {}): Promise<RunResult> {
  const run = new ListenerRun(seed, given);
  await run.run();
  return run.result();
}

class ListenerRun {
  readonly #random: Random;
  readonly #clock = new ManualClock();
  readonly #setup: Setup;
  readonly #ledger: Ledger;
  readonly #broker: SimulatedBroker;
  readonly #trouble = { share: 0.12 };
  readonly #problems: string[] = [];
  #processes: SimulatedProcess[] = [];
  #born = 0;
  #crashes = 0;
  #restarts = 0;

  constructor(
    readonly seed: number,
    given: Partial<Setup>,
  ) {
    this.#random = seededRandom(seed);
    this.#setup = { ...drawSetup(this.#random), ...given };
    this.#ledger = new Ledger(this.#setup, this.#clock);
    this.#broker = new SimulatedBroker(this.#clock, seed, (...passed) => this.#ledger.observe(...passed));
  }

  async run(): Promise<void> {
    await this.#broker.start();
    await this.#createTopic();
    this.#join();
    this.#join();
    for (let step = 0; step < STEPS; step++) await this.#step();
    await this.#calm();
    await this.#end();
  }

  result(): RunResult {
    const { digest, effects, repeats, commits, violations } = this.#ledger;
    return {
      setup: setupText(this.#setup),
      problems: [...violations, ...this.#problems],
      digest,
      effects,
      repeats,
      commits,
      crashes: this.#crashes,
      restarts: this.#restarts,
      lost: this.#broker.lost,
      virtualMs: this.#clock.monotonic(),
    };
  }

  async #step(): Promise<void> {
    this.#broker.lossShare = this.#random.next() < 0.5 ? 0 : this.#random.next() * 0.1;
    this.#broker.maxDelayMs = this.#random.next() < 0.5 ? 0 : this.#below(MAX_DELAY_MS);
    // A cut that heals after a session's time finds its member put out of the group, with handlers that still run.
    for (const one of this.#processes) if (this.#random.next() < 0.4) one.isCut = false;
    await this.#event(this.#random.next());
    if (this.#broker.isUp && this.#random.next() < 0.7) await this.#store(1 + this.#below(12));
    await this.#clock.advance(this.#below(this.#random.next() < 0.2 ? 20_000 : 2500));
  }

  async #event(dice: number): Promise<void> {
    const one = this.#processes[this.#below(this.#processes.length)];
    if (dice < 0.15) this.#join();
    else if (dice < 0.25) this.#crash(one);
    else if (dice < 0.33) await this.#leave(one);
    else if (dice < 0.4) await this.#restartBroker();
    else if (!this.#broker.isUp) await this.#broker.start();
    else if (one) this.#disturb(one, dice);
  }

  /** What operators and networks do to a running process. */
  #disturb(one: SimulatedProcess, dice: number): void {
    const { container } = one;
    this.#ledger.note(`${one.options.name} is disturbed by ${dice.toFixed(2)}`);
    if (dice < 0.48) one.isCut = true;
    else if (dice < 0.53) container.enforceRebalance();
    else if (dice < 0.57) container.pause();
    else if (dice < 0.75) this.#recover(one);
    else if (dice < 0.8 && this.#setup.workers !== undefined) container.workers = 1 + this.#below(8);
  }

  /** Paused partitions flow again, stopped containers start again. */
  #recover(one: SimulatedProcess): void {
    const { container } = one;
    if (container.state === 'failed' || container.state === 'stopped') one.start();
    else if (container.state === 'running' || container.state === 'paused') container.resume();
  }

  async #restartBroker(): Promise<void> {
    if (!this.#broker.isUp) return this.#broker.start();
    this.#restarts++;
    return this.#random.next() < 0.3 ? this.#broker.stop() : this.#broker.kill();
  }

  #join(): void {
    if (this.#processes.length >= MAX_PROCESSES) return;
    const number = this.#born++;
    const names = this.#processes.map(({ options }) => options.instanceId);
    const free = Array.from({ length: MAX_PROCESSES }, (_, i) => `static-${i}`).find((name) => !names.includes(name));
    const options = {
      name: `p${number}`,
      instanceId: this.#setup.isStatic ? free : undefined,
      setup: this.#setup,
      seed: this.seed + 1000 * (number + 1),
    };
    const one = new SimulatedProcess(options, this.#clock, this.#ledger, this.#broker, this.#trouble);
    one.start();
    this.#processes.push(one);
  }

  #crash(one: SimulatedProcess | undefined): void {
    if (!one) return;
    this.#ledger.note(`${one.options.name} crashes`);
    this.#crashes++;
    one.crash();
    this.#processes = this.#processes.filter((other) => other !== one);
  }

  /** Stops as an application does; what runs on then must be nothing. */
  async #leave(one: SimulatedProcess | undefined): Promise<void> {
    if (!one) return;
    const { name } = one.options;
    this.#ledger.note(`${name} leaves`);
    let isGone = false;
    const gone = (): void => {
      isGone = true;
    };
    void one.container.stop().then(gone, (error: unknown) => {
      this.#problems.push(`${name} did not stop: ${String(error)}`);
      gone();
    });
    for (let waited = 0; !isGone && waited < 120; waited++) await this.#clock.advance(500);
    if (!isGone) this.#problems.push(`${name} does not stop within a minute`);
    else if (one.clock.pending > 0) this.#problems.push(`${name} left ${one.clock.pending} timers behind`);
    one.crash();
    this.#processes = this.#processes.filter((other) => other !== one);
  }

  /** No trouble any more: everything stored must be worked off and committed. */
  async #calm(): Promise<void> {
    this.#broker.lossShare = 0;
    this.#broker.maxDelayMs = 0;
    this.#trouble.share = 0;
    this.#ledger.note('calm');
    if (!this.#broker.isUp) await this.#broker.start();
    for (const one of this.#processes) one.isCut = false;
    await this.#store(5);
    const ends = this.#clock.monotonic() + CALM_MS;
    while (this.#ledger.missing().length > 0 && this.#clock.monotonic() < ends) {
      for (const one of this.#processes) {
        if (one.hasHung) this.#crash(one);
        else this.#recover(one);
      }
      if (this.#processes.length === 0) this.#join();
      await this.#clock.advance(1000);
    }
    for (const what of this.#ledger.missing()) this.#problems.push(`after ${CALM_MS} ms of calm: ${what}`);
  }

  async #end(): Promise<void> {
    const left = this.#processes;
    for (const one of left) await this.#leave(one);
    await this.#broker.kill();
  }

  async #createTopic(): Promise<void> {
    const topic = { name: TOPIC, numPartitions: this.#setup.partitions, replicationFactor: 1 };
    await this.#ask(CreateTopics, 5, { topics: [{ ...topic, assignments: [], configs: [] }], validateOnly: false });
  }

  async #store(batches: number): Promise<void> {
    for (let i = 0; i < batches; i++) {
      const index = this.#below(this.#setup.partitions);
      const keys = Array.from({ length: 1 + this.#below(3) }, () => this.#key());
      const records = keys.map((key) => ({ key, value: Buffer.from('x') }));
      const batch = encodeRecords(records, { timestamp: this.#clock.now() });
      const topicData = [{ name: TOPIC, partitionData: [{ index, records: batch }] }];
      const { responses } = await this.#ask(Produce, 8, { acks: -1, timeoutMs: 1000, topicData });
      const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!;
      if (errorCode !== 0) continue;
      for (const [at, key] of keys.entries()) this.#ledger.stored(index, baseOffset + at, key);
    }
  }

  #key(): Buffer | null {
    return this.#random.next() < 0.1 ? null : Buffer.from(KEYS[this.#below(KEYS.length)]!);
  }

  /** Past the network: what the run itself does is no part of the trouble. */
  async #ask<A extends Api>(api: A, version: number, request: RequestInput<A>): Promise<ResponseOf<A>> {
    const frame = Buffer.concat(encodeRequestFrame(api, version, 1, 'simulation', request)).subarray(4);
    const answer = await this.#broker.ask(frame);
    return decodeResponsePayload(api, version, answer.subarray(4));
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }
}
