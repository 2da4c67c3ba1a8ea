import { describe, expect, it } from '@jest/globals';
import { Broker } from '../../src/broker/broker.js';
import { MemoryFileSystem } from '../../src/broker/log/disk/memory-file-system.js';
import { ManualClock } from '../support/manual-clock.js';
import { directClient } from '../support/raw-client.js';
import { type Producer, TransactionClient } from '../support/transaction-client.js';

// The whole broker is killed at every single operation on its files while a transaction is written and ended; the
// next one, on what is left, must show all of it or nothing, to the readers of every partition and of the offsets.

const CONFIG = {
  'offsets.topic.num.partitions': '2',
  'transaction.state.log.num.partitions': '2',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
};
/** Every append is synced before it is acknowledged. */
const SYNCED = { ...CONFIG, 'log.flush.interval.messages': '1' };
const TOPIC = 'orders';
const GROUP = 'g';

class World {
  /** Producers stamp their records by the machine's clock. */
  readonly clock = new ManualClock(Date.now());
  readonly fileSystem: MemoryFileSystem;
  tx!: TransactionClient;
  #broker!: Broker;

  constructor(readonly losesPower: boolean) {
    this.fileSystem = new MemoryFileSystem({ clock: this.clock, trackDurability: losesPower });
  }

  async start(bootId = 'boot'): Promise<void> {
    const { fileSystem, clock, losesPower } = this;
    const config = losesPower ? SYNCED : CONFIG;
    this.#broker = await Broker.start({ port: 0, dataDir: '/data', fileSystem, clock, config, bootId });
    this.tx = new TransactionClient(directClient(this.#broker));
  }

  /** Dies at the given operation from now on; true when it came to that. */
  async dieAt(operation: number, work: () => Promise<unknown>): Promise<boolean> {
    let left = operation;
    this.fileSystem.onOperation = () => (left-- > 0 ? undefined : { code: 'EIO', crash: true });
    await work().catch(() => undefined);
    return left < 0;
  }

  async restart(): Promise<void> {
    // The dead one must not come back to life with its next timer.
    this.fileSystem.onOperation = () => ({ code: 'EIO', crash: true });
    await this.#broker.stop().catch(() => undefined);
    this.fileSystem.onOperation = undefined;
    if (this.losesPower) this.fileSystem.powerLoss();
    await this.start(this.losesPower ? 'next boot' : 'boot');
  }

  stop(): Promise<void> {
    return this.#broker.stop();
  }
}

/** Throws at the first request that is refused, as a producer gives up. */
async function write(tx: TransactionClient, producer: Producer, version: number): Promise<void> {
  const joins = version >= 12;
  if (!joins) accepted(...(await tx.addPartitions(producer, { [TOPIC]: [0, 1] })));
  accepted((await tx.produce(producer, TOPIC, ['a'], { version, partition: 0 })).errorCode);
  accepted((await tx.produce(producer, TOPIC, ['b'], { version, partition: 1 })).errorCode);
  if (!joins) accepted(await tx.addOffsets(producer, GROUP));
  accepted(await tx.commitOffset(producer, GROUP, TOPIC, 7, {}, joins ? 5 : 3));
}

function accepted(...codes: Array<number | undefined>): void {
  if (codes.some((code) => code !== 0)) throw new Error(`refused with ${codes.join(', ')}`);
}

async function seen(tx: TransactionClient): Promise<boolean[]> {
  const visible: boolean[] = [];
  for (const partition of [0, 1]) {
    const { values, aborted } = await tx.read(TOPIC, { partition });
    visible.push(values.length === 1 && aborted!.length === 0);
  }
  return [...visible, (await tx.committed(GROUP, TOPIC)) === 7];
}

describe.each([
  ['its process is killed', false],
  ['its machine loses power, with every append synced', true],
])('a broker whose transaction is in work when %s', (_, losesPower) => {
  it.each([
    [9, 3],
    [12, 5],
  ])(
    'shows all of it or nothing (Produce v%i, EndTxn v%i)',
    async (produceVersion, endVersion) => {
      const outcomes = new Set<string>();
      for (let operation = 0, wasKilled = true; wasKilled; operation++) {
        const world = new World(losesPower);
        await world.start();
        await world.tx.createTopic(TOPIC, 2);
        await world.tx.coordinator('t');
        await world.tx.coordinator(GROUP, 0);
        const producer = await world.tx.init('t', { transactionTimeoutMs: 5_000 });
        let answer: number | undefined;
        const { tx } = world;
        wasKilled = await world.dieAt(operation, async () => {
          await write(tx, producer, produceVersion);
          answer = (await tx.end(producer, true, endVersion)).errorCode;
        });
        await world.restart();
        const isOpen = (await world.tx.describe('t'))[0]!.transactionState === 'Ongoing';
        if (isOpen) await world.clock.advance(10_000);
        const visible = await seen(world.tx);
        expect(visible).toEqual(visible.map(() => visible[0]));
        expect(visible[0] || answer !== 0).toBe(true);
        const [described] = await world.tx.describe('t');
        expect(described!.transactionState).toMatch(/^(Empty|Complete)/);
        for (const partition of [0, 1]) {
          const { lastStableOffset, highWatermark } = await world.tx.read(TOPIC, { partition });
          expect(lastStableOffset).toBe(highWatermark);
        }
        await world.stop();
        outcomes.add(`${visible[0]} ${answer}`);
        expect(operation).toBeLessThan(200);
      }
      // Nothing while it is written, nothing when the decision could not be stored, and all of it once it could.
      expect([...outcomes]).toEqual(['false undefined', 'false 16', 'true 0']);
    },
    30_000,
  );
});
