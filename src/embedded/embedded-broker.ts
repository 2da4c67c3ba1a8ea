import { mkdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Clock, sleep, systemClock } from '../common/clock.js';
import { findLockHolder, type LockHolder } from '../common/directory-lock.js';
import { messageOf } from '../common/errors.js';
import { type Logger } from '../common/logger.js';
import { type BrokerThread, startBrokerThread } from './broker-thread.js';
import { keepAddress, portsToTry, readKeptAddress } from './kept-address.js';

// The broker beside an application. The first application on a data directory hosts it in a thread; others join it
// as clients and watch, and when the host ends exactly one of them takes the directory over, on the same port.

/** Restarts of a broker thread that died, before the application is told that its broker is gone for good. */
const MAX_RESTARTS = 5;
const RESTART_DELAY_MS = 200;

export interface EmbeddedBrokerOptions {
  readonly dataDir: string;
  readonly host: string;
  /** Undefined: the port kept from the last start, else 9092, else any free one. */
  readonly port: number | undefined;
  readonly logger: Logger;
  readonly config?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  /** How a broker is brought up; tests bring their own. */
  readonly startThread?: typeof startBrokerThread;
}

export type EmbeddedBrokerEvent =
  | { readonly type: 'hosting' | 'joined' | 'taken-over' | 'restarted'; readonly bootstrapServers: string }
  | { readonly type: 'down'; readonly error: unknown };

export interface EmbeddedBroker {
  readonly bootstrapServers: string;
  readonly dataDir: string;
  /** `host`: the broker runs in this process; `guest`: in another one. */
  readonly role: 'host' | 'guest';
  onEvent(listener: (event: EmbeddedBrokerEvent) => void): void;
  stop(): Promise<void>;
}

/**
 * Starts a broker on the data directory, or joins the one that runs there. Throws KAFKA_BROKER_START_FAILED and the
 * broker's own start errors (a directory of another node, a port in use that was asked for by number).
 */
export async function startEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const broker = new SupervisedBroker(options);
  await broker.start();
  return broker;
}

class SupervisedBroker implements EmbeddedBroker {
  readonly dataDir: string;
  readonly #identity: string;
  readonly #options: EmbeddedBrokerOptions;
  readonly #clock: Clock;
  readonly #startThread: typeof startBrokerThread;
  readonly #listeners: Array<(event: EmbeddedBrokerEvent) => void> = [];
  readonly #stopped = new AbortController();
  #thread: BrokerThread | undefined;
  #holder: LockHolder | undefined;
  #address: { host: string; port: number } | undefined;

  constructor(options: EmbeddedBrokerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#startThread = options.startThread ?? startBrokerThread;
    this.dataDir = resolve(options.dataDir);
    mkdirSync(this.dataDir, { recursive: true });
    const { dev, ino } = statSync(this.dataDir, { bigint: true });
    this.#identity = `${dev}-${ino}`;
  }

  get bootstrapServers(): string {
    return `${this.#address!.host}:${this.#address!.port}`;
  }

  get role(): 'host' | 'guest' {
    return this.#thread ? 'host' : 'guest';
  }

  onEvent(listener: (event: EmbeddedBrokerEvent) => void): void {
    this.#listeners.push(listener);
  }

  async start(): Promise<void> {
    await this.#hostOrJoin();
    this.#emit({ type: this.#thread ? 'hosting' : 'joined', bootstrapServers: this.bootstrapServers });
  }

  /** Hosts the directory or joins whoever holds it; between the two somebody may come or go, hence the loop. */
  async #hostOrJoin(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const holder = await findLockHolder(this.#identity);
      const address = await holder?.bootstrapServers;
      if (holder && address !== undefined) {
        this.#joined(holder, address);
        return;
      }
      holder?.leave();
      const thread = await this.#startThread(this.#workerData(), this.#options.logger);
      if (thread) {
        this.#hosting(thread);
        return;
      }
    }
  }

  #workerData() {
    const { host, port, config } = this.#options;
    // Clients of this process know the address by now: whoever serves them later has to be found there again.
    const ports = this.#address ? [this.#address.port] : portsToTry(port, readKeptAddress(this.dataDir));
    return { host, ports, dataDir: this.dataDir, config: config ?? {} };
  }

  #hosting(thread: BrokerThread): void {
    this.#thread = thread;
    this.#address = { host: thread.host, port: thread.port };
    keepAddress(this.dataDir, { ...this.#address, pid: process.pid });
    void thread.ended.then((reason) => {
      this.#thread = undefined;
      if (reason !== undefined) void this.#recover('restarted', reason);
    });
  }

  #joined(holder: LockHolder, address: string): void {
    const colon = address.lastIndexOf(':');
    this.#holder = holder;
    this.#address = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
    void holder.ended.then(() => {
      this.#holder = undefined;
      return this.#recover('taken-over', undefined);
    });
  }

  /** The broker is gone: a thread that died, or another process that ended. Somebody has to run it again. */
  async #recover(how: 'restarted' | 'taken-over', reason: Error | undefined): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    if (reason) {
      this.#options.logger.error(`the embedded broker's thread died: ${reason.message}; starting it again`);
      this.#emit({ type: 'down', error: reason });
    }
    for (let failures = 0; ; ) {
      try {
        await this.#hostOrJoin();
        if (this.#stopped.signal.aborted) await this.stop();
        else this.#emit({ type: this.#thread ? how : 'joined', bootstrapServers: this.bootstrapServers });
        return;
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        if (++failures > MAX_RESTARTS) {
          this.#options.logger.error(
            `the embedded broker cannot be started again (${messageOf(error)}); restart the application`,
          );
          this.#emit({ type: 'down', error });
          return;
        }
        await sleep(this.#clock, RESTART_DELAY_MS * failures, this.#stopped.signal);
      }
    }
  }

  #emit(event: EmbeddedBrokerEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#holder?.leave();
    await this.#thread?.stop();
  }
}
