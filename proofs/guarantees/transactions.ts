import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Booking, type Transfer } from '../../samples/transactions/src/transfer.js';
import { seededRandom } from '../../src/common/random.js';
import { KafkajsCluster } from '../../src/runtime/client/cluster/kafkajs-cluster.js';
import { KafkaProducer } from '../../src/runtime/client/producer/kafka-producer.js';
import { createTopicNamed } from '../../test/support/client-broker.js';
import { readCommitted } from '../../test/support/committed-reader.js';
import { type Proof, type ProofContext, type ProofResult } from '../proof.js';
import { isApacheKafka, type ProofBroker, proofBroker } from '../proof-broker.js';
import { freePort, SampleProcess } from '../sample-process.js';

// Consume, transform, produce under kill -9: the transactions sample in two processes, killed one by one, together, and
// with the broker. Afterwards a read_committed reader must find two bookings for each transfer that was stored: none
// missing, none half, none twice. On a cluster that KAFKA_BOOTSTRAP_SERVERS names only the processes are killed.

const PROCESSES = 2;
const PARTITIONS = 4;
/** Transfers under way to the broker at a time. */
const OUTSTANDING = 20;
/** Without any progress. */
const PATIENCE_MS = 60_000;
const VICTIMS = ['first', 'second', 'both', 'broker', 'all'] as const;

export const transactions: Proof = {
  name: 'transactions',
  summary: 'consume, transform, produce in transactions: each result once for read_committed readers',
  defaultCycles: 100,
  run,
};

async function run(context: ProofContext): Promise<ProofResult> {
  const random = seededRandom(context.seed);
  const world = await World.create();
  const problems: string[] = [];
  const kills = { process: 0, broker: 0 };
  let checked: Checked | undefined;
  try {
    const until = performance.now() + context.seconds * 1000;
    for (let cycle = 0; cycle < context.cycles && performance.now() < until; cycle++) {
      const victim = VICTIMS[Math.floor(random.next() * (world.broker ? VICTIMS.length : 3))]!;
      await delay(300 + random.next() * 900);
      world.mustRun();
      const dead: Array<Promise<unknown>> = [];
      for (const [index, name] of ['first', 'second'].entries()) {
        if (victim !== name && victim !== 'both' && victim !== 'all') continue;
        kills.process++;
        dead.push(
          world.processes[index]!.kill('SIGKILL')
            .then(() => delay(random.next() * 200))
            .then(() => world.startProcess(index)),
        );
      }
      if (victim === 'broker' || victim === 'all') {
        kills.broker++;
        dead.push(
          world
            .broker!.kill('SIGKILL')
            .then(() => delay(random.next() * 300))
            .then(() => world.broker!.untilReady()),
        );
      }
      await Promise.all(dead);
      context.progress(`${kills.process} processes and ${kills.broker} brokers killed, ${world.stored.size} transfers`);
    }
    await world.stopFeeding();
    checked = await world.untilChecked(PATIENCE_MS);
    problems.push(...problemsOf(checked));
  } catch (error) {
    problems.push((error as Error).stack ?? String(error));
  }
  if (problems.length > 0) problems.push(...world.processes.map(({ output }) => output.slice(-2_000)));
  await world.remove();
  const { missing = [], half = [], twice = [], transfers = 0 } = checked ?? {};
  return {
    passed: problems.length === 0 && transfers > 0,
    figures:
      `${kills.process} processes and ${kills.broker} brokers killed · ${transfers} transfers · ${missing.length} lost · ` +
      `${half.length} half · ${twice.length} twice`,
    details: problems,
  };
}

interface Checked {
  readonly transfers: number;
  readonly missing: readonly string[];
  readonly half: readonly string[];
  readonly twice: readonly string[];
}

function problemsOf({ missing, half, twice }: Checked): string[] {
  const told = (what: string, ids: readonly string[]) =>
    ids.length === 0 ? [] : [`${ids.length} transfers ${what}: ${ids.slice(0, 5).join(', ')}`];
  return [...told('lost', missing), ...told('booked by half', half), ...told('booked twice', twice)];
}

class World {
  readonly processes: SampleProcess[] = [];
  /** Ids of transfers that the broker acknowledged. */
  readonly stored = new Set<string>();
  readonly #run = Date.now().toString(36);
  #producer!: KafkaProducer;
  #isFeeding = true;
  #feeding: Promise<unknown> = Promise.resolve();
  #number = 0;

  private constructor(
    readonly address: string,
    readonly broker: ProofBroker | undefined,
    readonly folder: string,
  ) {}

  static async create(): Promise<World> {
    const given = process.env.KAFKA_BOOTSTRAP_SERVERS?.split(',')[0];
    const folder = mkdtempSync(join(tmpdir(), 'transactions-'));
    const port = given ? 0 : await freePort();
    const quick = { 'group.initial.rebalance.delay.ms': '0', 'group.min.session.timeout.ms': '500' };
    const broker = await proofBroker(join(folder, 'data'), quick, port);
    await broker?.untilReady();
    const world = new World(given ?? `127.0.0.1:${port}`, broker, folder);
    await world.#begin();
    return world;
  }

  get #topics() {
    return { transfers: `transfers-${this.#run}`, bookings: 'bookings' };
  }

  async #begin(): Promise<void> {
    const { transfers, bookings } = this.#topics;
    await createTopicNamed(this.address, transfers, PARTITIONS);
    if (this.broker) await createTopicNamed(this.address, bookings, PARTITIONS);
    for (let index = 0; index < PROCESSES; index++) {
      this.processes.push(await SampleProcess.create('transactions', this.#environment(index)));
    }
    await Promise.all(this.processes.map((_, index) => this.startProcess(index)));
    const cluster = new KafkajsCluster({ bootstrapServers: [this.address], requestTimeoutMs: 2_000 });
    const options = { lingerMs: 0, requestTimeoutMs: 2_000, retryBackoffMs: 20, retryBackoffMaxMs: 200 };
    this.#producer = new KafkaProducer({ cluster, options });
    await this.#producer.start();
    this.#feeding = Promise.all(Array.from({ length: OUTSTANDING }, () => this.#feed()));
  }

  /** A killed member holds up its group for a session: as short as the broker allows. */
  #environment(index: number): Record<string, string> {
    const session = isApacheKafka ? '6000' : '1500';
    return {
      KAFKA_BOOTSTRAP_SERVERS: this.address,
      KAFKA_PRODUCER_TRANSACTION_ID_PREFIX: `${this.#run}-${index}-`,
      KAFKA_CONSUMER_PROPERTIES_SESSION_TIMEOUT_MS: session,
      KAFKA_CONSUMER_HEARTBEAT_INTERVAL: '300',
      KAFKA_CONSUMER_GROUP_ID: `audit-${this.#run}`,
      KAFKA_CONSUMER_PROPERTIES_REQUEST_TIMEOUT_MS: '5000',
      KAFKA_CONSUMER_FETCH_MAX_WAIT: '100',
      TRANSFERS_TOPIC: this.#topics.transfers,
      BOOKKEEPER_FAIL_EVERY: '97',
    };
  }

  /** @throws Error when a part of it has ended although nobody killed it */
  mustRun(): void {
    for (const part of [this.broker, ...this.processes]) part?.mustRun();
  }

  startProcess(index: number): Promise<number> {
    return this.processes[index]!.untilReady();
  }

  async #feed(): Promise<void> {
    const { transfers } = this.#topics;
    while (this.#isFeeding) {
      const id = `${this.#run}-${++this.#number}`;
      const [from, to] = [`a${this.#number % 20}`, `b${this.#number % 17}`];
      const transfer: Transfer = { id, from, to, cents: 1 + (this.#number % 100) };
      await this.#producer.send(transfers, undefined, {
        key: Buffer.from(from),
        value: Buffer.from(JSON.stringify(transfer)),
      });
      this.stored.add(id);
      await delay(10);
    }
  }

  async stopFeeding(): Promise<void> {
    this.#isFeeding = false;
    await this.#feeding;
  }

  /** What is booked once nothing is missing any more, or nothing more comes for so long. */
  async untilChecked(patienceMs: number): Promise<Checked> {
    let least = Number.POSITIVE_INFINITY;
    let deadline = Number.POSITIVE_INFINITY;
    for (;;) {
      const checked = await this.#check();
      // While bookings are still made one half of a transfer may be read before it is whole.
      const open = checked.missing.length + checked.half.length;
      if (open < least) deadline = performance.now() + patienceMs;
      least = Math.min(least, open);
      if (open === 0 || performance.now() > deadline) return checked;
      await delay(200);
    }
  }

  async #check(): Promise<Checked> {
    const bookings = new Map<string, number>();
    for (const { value } of await readCommitted(this.address, this.#topics.bookings)) {
      const { transferId } = JSON.parse(String(value)) as Booking;
      bookings.set(transferId, (bookings.get(transferId) ?? 0) + 1);
    }
    const ids = [...this.stored];
    return {
      transfers: ids.length,
      missing: ids.filter((id) => !bookings.has(id)),
      half: ids.filter((id) => bookings.get(id) === 1),
      twice: ids.filter((id) => (bookings.get(id) ?? 0) > 2),
    };
  }

  async remove(): Promise<void> {
    this.#isFeeding = false;
    await Promise.all(this.processes.map((one) => one.remove()));
    // Without a broker the producer would wait for its delivery time-out.
    void this.#producer?.stop().catch(() => undefined);
    await this.broker?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
