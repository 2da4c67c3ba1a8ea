import { seededRandom } from '../../src/common/random.js';
import { type Api, type RequestInput, type ResponseOf } from '../../src/protocol/api.js';
import { decodeResponsePayload, encodeRequestFrame } from '../../src/protocol/frame.js';
import { CreateTopics, Produce } from '../../src/protocol/messages/index.js';
import { encodeRecords } from '../../src/protocol/record-batch.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { type SimulatedRun } from '../seeded-runs.js';
import { GroupChecker } from './group-checker.js';
import { SimulatedBroker } from './simulated-broker.js';
import { SimulatedMember, TOPIC } from './simulated-member.js';

// One run: trouble for a while, then calm, in which everything must be worked off.

const STRATEGIES = ['range', 'roundrobin', 'sticky', 'cooperative-sticky'];
const MAX_MEMBERS = 4;
const STEPS = 25;
const CALM_MS = 180_000;

export async function simulate(seed: number): Promise<SimulatedRun> {
  const run = new Simulation(seed);
  await run.run();
  return run.result();
}

class Simulation {
  readonly #random;
  readonly #clock = new ManualClock();
  readonly #checker;
  readonly #broker: SimulatedBroker;
  readonly #strategy: string;
  readonly #static: boolean;
  #members: SimulatedMember[] = [];
  readonly #problems: string[] = [];
  #born = 0;
  #crashes = 0;
  #restarts = 0;

  constructor(readonly seed: number) {
    this.#random = seededRandom(seed);
    this.#checker = new GroupChecker(1 + this.#below(5));
    this.#broker = new SimulatedBroker(this.#clock, seed, (...passed) => this.#checker.observe(...passed));
    this.#strategy = STRATEGIES[this.#below(STRATEGIES.length)]!;
    this.#static = this.#random.next() < 0.4;
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  async run(): Promise<void> {
    await this.#broker.start();
    await this.#createTopic();
    for (let i = 0; i < 2; i++) this.#join();
    for (let step = 0; step < STEPS; step++) await this.#step();
    await this.#calm();
    for (const member of this.#members) member.crash();
    await this.#broker.kill();
  }

  result(): SimulatedRun {
    const { digest, effects, repeats, commits, violations } = this.#checker;
    return {
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
    this.#broker.maxDelayMs = this.#random.next() < 0.5 ? 0 : this.#below(3000);
    await this.#event(this.#random.next());
    if (this.#broker.isUp && this.#random.next() < 0.7) await this.#store(1 + this.#below(20));
    await this.#clock.advance(this.#below(this.#random.next() < 0.2 ? 20_000 : 2500));
    this.#members = this.#members.filter((member) => !member.isGone || this.#buried(member));
  }

  /** A member that failed for good, by trouble that ended its membership, is replaced by nobody but chance. */
  #buried(member: SimulatedMember): boolean {
    if (!member.isGone) return true;
    member.crash();
    return false;
  }

  async #event(dice: number): Promise<void> {
    const member = this.#members[this.#below(this.#members.length)];
    if (dice < 0.2) this.#join();
    else if (dice < 0.3 && member) {
      member.crash();
      this.#crashes++;
    } else if (dice < 0.4 && member) await this.#leave(member);
    else if (dice < 0.5 && this.#broker.isUp) {
      if (this.#random.next() < 0.3) await this.#broker.stop();
      else await this.#broker.kill();
      this.#restarts++;
    } else if (!this.#broker.isUp) await this.#broker.start();
  }

  #join(): void {
    this.#members = this.#members.filter((member) => !member.isGone);
    if (this.#members.length >= MAX_MEMBERS) return;
    const number = this.#born++;
    const names = this.#members.map(({ options }) => options.instanceId);
    const free = [0, 1, 2, 3].map((i) => `static-${i}`).find((name) => !names.includes(name));
    const member = new SimulatedMember(
      {
        name: `m${number}`,
        instanceId: this.#static && number % 3 !== 2 ? free : undefined,
        strategy: this.#strategy,
        seed: this.seed + 1000 * (number + 1),
        slowMs: this.#random.next() < 0.3 ? 8000 : 300,
      },
      this.#clock,
      this.#checker,
      this.#broker,
    );
    member.start();
    this.#members.push(member);
  }

  async #leave(member: SimulatedMember): Promise<void> {
    let isGone = false;
    void member.leave().then(
      () => (isGone = true),
      () => (isGone = true),
    );
    for (let waited = 0; !isGone && waited < 120; waited++) await this.#clock.advance(500);
    if (!isGone) this.#problems.push(`${member.options.name} does not stop within a minute`);
    this.#members = this.#members.filter((other) => other !== member);
  }

  /** No trouble any more: what is stored must be worked off. */
  async #calm(): Promise<void> {
    this.#broker.lossShare = 0;
    this.#broker.maxDelayMs = 0;
    if (!this.#broker.isUp) await this.#broker.start();
    this.#members = this.#members.filter((member) => !member.isGone);
    await this.#store(5);
    const ends = this.#clock.monotonic() + CALM_MS;
    while (this.#checker.missing().length > 0 && this.#clock.monotonic() < ends) {
      this.#members = this.#members.filter((member) => !member.isGone || this.#buried(member));
      if (this.#members.length === 0) this.#join();
      for (const { options } of this.#members) options.slowMs = 10;
      await this.#clock.advance(1000);
    }
    const missing = this.#checker.missing();
    if (missing.length > 0) this.#problems.push(`not worked on after ${CALM_MS} ms of calm: ${missing.join(', ')}`);
  }

  async #createTopic(): Promise<void> {
    const topic = { name: TOPIC, numPartitions: this.#checker.partitions, replicationFactor: 1 };
    await this.#ask(CreateTopics, 5, { topics: [{ ...topic, assignments: [], configs: [] }], validateOnly: false });
  }

  async #store(batches: number): Promise<void> {
    for (let i = 0; i < batches; i++) {
      const index = this.#below(this.#checker.partitions);
      const count = 1 + this.#below(3);
      const records = Array.from({ length: count }, (_, n) => ({ key: null, value: Buffer.from(String(n)) }));
      const batch = encodeRecords(records, { timestamp: this.#clock.now() });
      const topicData = [{ name: TOPIC, partitionData: [{ index, records: batch }] }];
      const { responses } = await this.#ask(Produce, 8, { acks: -1, timeoutMs: 1000, topicData });
      if (responses[0]!.partitionResponses[0]!.errorCode === 0) this.#checker.stored(index, count);
    }
  }

  /** Past the network: what the run itself does is no part of the trouble. */
  async #ask<A extends Api>(api: A, version: number, request: RequestInput<A>): Promise<ResponseOf<A>> {
    const frame = Buffer.concat(encodeRequestFrame(api, version, 1, 'simulation', request)).subarray(4);
    const answer = await this.#broker.ask(frame);
    return decodeResponsePayload(api, version, answer.subarray(4));
  }
}
