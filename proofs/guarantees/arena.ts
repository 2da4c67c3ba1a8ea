import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { postgresAddress, startPostgres } from '../../test/support/servers/postgres.js';
import { startRedis } from '../../test/support/servers/redis.js';
import { type ServerProcess } from '../../test/support/servers/server-process.js';
import { isApacheKafka, type ProofBroker, proofBroker } from '../proof-broker.js';
import { freePort } from '../sample-process.js';
import { ApplicationProcess } from './application-process.js';

// What a guarantee is proven in: broker, store and application, each a process that can be killed and started again.

export type Part = 'application' | 'broker' | 'store';

/** Apache Kafka takes its time. */
const PATIENCE_MS = isApacheKafka ? 90_000 : 30_000;

/** What runs in it. */
export interface Staging {
  readonly name: string;
  /** The compiled application below `proofs/guarantees/applications`; gets the environment below. */
  readonly application: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Of its topic; default 3. On a cluster that was given the topic has what that one gives. */
  readonly partitions?: number;
  /** The server that is killed as well, beside application and broker. */
  readonly store?: 'redis' | 'postgres';
  /** Before the first start of the application. */
  prepare?(arena: Arena): Promise<void>;
}

export class Arena {
  readonly topic: string;
  readonly bootstrapServers: string;
  /** Undefined on a cluster that was given. */
  readonly broker: ProofBroker | undefined;
  readonly store: ServerProcess | undefined;
  readonly application: ApplicationProcess;
  /** When something was killed. */
  readonly kills: number[] = [];

  private constructor(
    readonly folder: string,
    staging: Staging,
    address: string,
    broker: ProofBroker | undefined,
    store: ServerProcess | undefined,
  ) {
    this.broker = broker;
    this.bootstrapServers = address;
    this.topic = `proof-${staging.name}-${Date.now().toString(36)}`;
    this.store = store;
    this.application = new ApplicationProcess(staging.application, this.folder, {
      ...staging.environment,
      KAFKA_BOOTSTRAP_SERVERS: this.bootstrapServers,
      PROOF_TOPIC: this.topic,
      PROOF_FOLDER: this.folder,
      PROOF_STORE_PORT: String(store?.port ?? 0),
    });
  }

  static async open(staging: Staging): Promise<Arena> {
    const start = { redis: () => startRedis(), postgres: startPostgres };
    const store = staging.store ? await start[staging.store]() : undefined;
    const folder = mkdtempSync(join(tmpdir(), 'guarantee-'));
    const port = await freePort();
    const settings = { 'group.initial.rebalance.delay.ms': '0', 'num.partitions': String(staging.partitions ?? 3) };
    const broker = await proofBroker(join(folder, 'broker'), settings, port);
    const address = process.env.KAFKA_BOOTSTRAP_SERVERS ?? `127.0.0.1:${port}`;
    const arena = new Arena(folder, staging, address, broker, store);
    await broker?.untilReady();
    await staging.prepare?.(arena);
    await arena.application.untilReady();
    return arena;
  }

  /** How to reach the PostgreSQL of this arena. */
  get postgres() {
    return postgresAddress({ port: this.store!.port });
  }

  /** What can be killed here. */
  get parts(): Part[] {
    const optional = [this.broker ? ('broker' as const) : undefined, this.store ? ('store' as const) : undefined];
    return ['application', ...optional.flatMap((part) => part ?? [])];
  }

  /** @throws Error with its output when a part has ended although nobody killed it */
  mustRun(): void {
    for (const part of [this.application, this.broker, this.store]) part?.mustRun();
  }

  /** Kills them at the same moment, and starts them again after a while. */
  async killAndStart(parts: readonly Part[], pauseMs: number): Promise<void> {
    this.mustRun();
    this.kills.push(Date.now());
    const servers = { application: this.application, broker: this.broker, store: this.store };
    await Promise.all(parts.map(async (part) => servers[part]?.kill('SIGKILL')));
    await delay(pauseMs);
    if (parts.includes('store')) await this.store?.untilReady();
    if (parts.includes('broker')) await within('the broker', this.broker!.untilReady());
    if (parts.includes('application')) await within('the application', this.application.untilReady());
    this.kills.push(Date.now());
  }

  /** Lines of a file that the application writes; the last may have been cut short by a kill. */
  lines(name: string): string[] {
    try {
      const text = readFileSync(join(this.folder, name), 'utf8');
      return text
        .slice(0, text.lastIndexOf('\n') + 1)
        .split('\n')
        .filter((line) => line !== '');
    } catch {
      return []; // nothing was written yet
    }
  }

  async close({ keep }: { readonly keep: boolean }): Promise<void> {
    await this.application.kill('SIGKILL');
    await this.broker?.kill('SIGKILL');
    await this.store?.stop();
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }
}

function within<T>(what: string, started: Promise<T>): Promise<T> {
  const limit = delay(PATIENCE_MS, undefined, { ref: false }).then((): never => {
    throw new Error(`${what} did not start within ${PATIENCE_MS} ms`);
  });
  return Promise.race([started, limit]);
}
