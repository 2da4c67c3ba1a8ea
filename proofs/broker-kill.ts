import { existsSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Random, seededRandom } from '../src/common/random.js';
import { SocketClient } from '../test/support/raw-client.js';
import { Committer } from './broker-kill/committer.js';
import { Inspection } from './broker-kill/inspection.js';
import { COMMITTED_TOPIC, TopicSet } from './broker-kill/topic-set.js';
import { Writer, type WriterForm } from './broker-kill/writer.js';
import { BrokerProcess } from './broker-process.js';
import { type Proof, type ProofContext, type ProofResult } from './proof.js';

// Kills a broker process with SIGKILL under the load of several producers and groups, at random moments, during start
// and during stop too, and starts it on the same folder again. Every acknowledged record must then be read at its
// offset, nothing torn may be served, an idempotent send must be there once, committed offsets must not have gone back,
// and look-ups must find what a walk over the whole log finds.

const FORMS: readonly WriterForm[] = [
  { isIdempotent: true, maxRecords: 1, maxValueBytes: 200, partitionsPerRequest: 1, compression: 'none' },
  { isIdempotent: true, maxRecords: 40, maxValueBytes: 300, partitionsPerRequest: 3, compression: 'none' },
  { isIdempotent: false, maxRecords: 10, maxValueBytes: 4000, partitionsPerRequest: 2, compression: 'none' },
  { isIdempotent: true, maxRecords: 30, maxValueBytes: 600, partitionsPerRequest: 8, compression: 'gzip' },
  { isIdempotent: false, maxRecords: 100, maxValueBytes: 100, partitionsPerRequest: 4, compression: 'none' },
];
/** Beyond this the topics are made anew. */
const RENEW_BYTES = 12 * 1024 * 1024;

export const brokerKill: Proof = {
  name: 'broker-kill',
  summary: 'kill -9 of a broker under load, at start and at stop: nothing acknowledged is lost, nothing is doubled',
  defaultCycles: 1000,
  run: (context) => new KillRun(context).run(),
};

class KillRun {
  readonly #random: Random;
  readonly #problems: string[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'broker-kill-'));
  readonly #broker: BrokerProcess;
  readonly #topics: TopicSet;
  readonly #writers: Writer[];
  readonly #committer: Committer;
  readonly #producerIds = new Set<bigint>();
  readonly #startTimes: number[] = [];
  readonly #counts = { kills: 0, atStart: 0, atStop: 0, checked: 0, lookups: 0, retries: 0 };
  #storedBytes = Number.POSITIVE_INFINITY;

  constructor(readonly context: ProofContext) {
    this.#random = seededRandom(context.seed);
    this.#broker = new BrokerProcess(this.#folder);
    this.#topics = new TopicSet(this.#problems);
    this.#writers = FORMS.map((form, i) => new Writer(i, form, this.#random, this.#problems));
    this.#committer = new Committer(COMMITTED_TOPIC, this.#problems);
  }

  async run(): Promise<ProofResult> {
    const { cycles, seconds, progress } = this.context;
    const until = performance.now() + seconds * 1000;
    try {
      for (let cycle = 0; cycle < cycles && performance.now() < until && this.#problems.length === 0; cycle++) {
        await this.#cycle();
        if (cycle % 10 === 9) progress(this.#figures());
      }
      if (this.#problems.length === 0) await this.#startAndCheck();
    } catch (error) {
      this.#problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    await this.#broker.kill('SIGKILL');
    if (this.#problems.length === 0) rmSync(this.#folder, { recursive: true, force: true });
    else this.#problems.push(`folder kept: ${this.#folder}`, this.#broker.output.slice(-3000));
    return { passed: this.#problems.length === 0, figures: this.#figures(), details: this.#problems };
  }

  #figures(): string {
    const { kills, atStart, atStop, checked, lookups, retries } = this.#counts;
    const acknowledged = this.#writers.reduce((sum, writer) => sum + writer.acknowledged, 0);
    const resent = this.#writers.reduce((sum, writer) => sum + writer.resent, 0);
    const starts = [...this.#startTimes].sort((a, b) => a - b);
    const at = (share: number): number => Math.round(starts[Math.floor(starts.length * share)] ?? Number.NaN);
    return (
      `${kills} kills (${atStart} at start, ${atStop} at stop) · ${acknowledged} records acknowledged · ` +
      `${this.#committer.commits} commits · ${resent} requests sent again · ${checked} records read back · ` +
      `${lookups} look-ups · ${retries} retries · start ${at(0.5)} ms, p99 ${at(0.99)} ms`
    );
  }

  async #cycle(): Promise<void> {
    const dice = this.#random.next();
    if (dice < 0.15) {
      // During start: recovery itself must be safe to interrupt.
      void this.#broker.untilReady();
      await delay(this.#random.next() * 300);
      this.#broker.mustRun();
      this.#counts.atStart++;
    } else {
      const port = await this.#startAndCheck();
      if (this.#problems.length > 0) return;
      await this.#load(port, dice > 0.9);
    }
    await this.#broker.kill('SIGKILL');
    this.#counts.kills++;
    if (this.#random.next() < 0.2) this.#forgetBoot();
    if (this.#random.next() < 0.1) this.#damageIndex();
  }

  async #startAndCheck(): Promise<number> {
    const { port, readyMs } = await this.#broker.untilReady();
    this.#startTimes.push(readyMs);
    const client = await SocketClient.connect(port);
    const inspection = new Inspection(client, this.#random);
    await this.#topics.check(client);
    const isFull = this.#storedBytes > RENEW_BYTES;
    this.#storedBytes = 0;
    for (const ledger of this.#topics.ledgers) this.#storedBytes += await inspection.partition(ledger);
    await this.#committer.check(client);
    this.#problems.push(...inspection.problems);
    this.#counts.checked += inspection.records;
    this.#counts.lookups += inspection.lookups;
    this.#counts.retries += inspection.retries;
    if (isFull && this.#problems.length === 0) {
      const gone = await this.#topics.renew(client);
      for (const writer of this.#writers) writer.leave(gone);
      this.#storedBytes = 0;
    }
    client.close();
    return port;
  }

  async #load(port: number, thenStop: boolean): Promise<void> {
    const ended = new AbortController();
    const newIds = (id: bigint): void => {
      if (this.#producerIds.has(id)) this.#problems.push(`producer id ${id} was given out twice`);
      this.#producerIds.add(id);
    };
    const running = [
      ...this.#writers.map((writer, i) => writer.run(port, this.#topics.of(i), ended.signal, newIds)),
      this.#committer.run(port, ended.signal),
    ];
    await delay(this.#random.next() * 250);
    this.#broker.mustRun();
    if (thenStop) {
      void this.#broker.kill('SIGTERM');
      await delay(this.#random.next() * 60);
      this.#counts.atStop++;
    }
    await this.#broker.kill('SIGKILL');
    ended.abort();
    await Promise.all(running);
  }

  /** As after a restart of the machine that lost nothing: everything from the recovery points on is checked. */
  #forgetBoot(): void {
    const file = join(this.#folder, '.nestdaw-boot-id');
    if (existsSync(file)) writeFileSync(file, 'another-boot');
  }

  /** An index can always be made again from its log. */
  #damageIndex(): void {
    const directories = readdirSync(this.#folder).filter((name) => /^(plain|flushed|large)-\d+-\d+$/.test(name));
    const directory = directories[Math.floor(this.#random.next() * directories.length)];
    if (!directory) return;
    const indexes = readdirSync(join(this.#folder, directory)).filter((name) => /\.(index|timeindex)$/.test(name));
    const name = indexes[Math.floor(this.#random.next() * indexes.length)];
    if (!name) return;
    const path = join(this.#folder, directory, name);
    if (this.#random.next() < 0.5) rmSync(path);
    else truncateSync(path, 5);
  }
}
