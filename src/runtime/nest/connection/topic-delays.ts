import { sleep } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import { type KafkaRecord, type OutgoingRecord, type RecordHeader } from '../../../common/record.js';
import { lastHeader, longBytes, numberHeader, textBytes, textHeader } from '../../dead-letters/header-bytes.js';
import { type ListenerContainer } from '../../listener/listener-container.js';
import { DONE, type Outcome } from '../../listener/listener-endpoint.js';
import { LEVELS, nextHop } from '../../retry/delays/delay-levels.js';
import { type DelayBackend, type DelayConnection } from './delay-backend.js';
import { internalContainer } from './internal-container.js';

// Delayed sends by topics alone: a record waits in the partitions of one topic, hop by hop, and goes to its own topic
// when it is due. All processes with `delays.store=topics` share the work as one group. Cancelled ids are in a topic
// that each of them reads.

const TOPIC = 'nestdaw-delays';
const CANCELLED_TOPIC = 'nestdaw-delays-cancelled';
const GROUP = 'nestdaw-delays';
const SUBJECT = 'delayed sends';

const ID = 'nestdaw_delay-id';
const TO_TOPIC = 'nestdaw_delay-topic';
const TO_PARTITION = 'nestdaw_delay-partition';
const DUE = 'nestdaw_delay-due';
const HOP = 'nestdaw_delay-hop';
const OWN: ReadonlySet<string> = new Set([ID, TO_TOPIC, TO_PARTITION, DUE, HOP]);

/** Longer than the longest hop, or the broker would remove what waits. */
const RETENTION_MS = 60 * 86_400_000;
const AGAIN_MS = 1_000;

export class TopicDelays implements DelayBackend {
  readonly #connection: DelayConnection;
  readonly #cancelled = new Map<string, number>();
  readonly #stop = new AbortController();
  #containers: ListenerContainer[] = [];
  #making: Promise<void> | undefined;
  #starting: Promise<void> | undefined;

  constructor(connection: DelayConnection) {
    this.#connection = connection;
  }

  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#containers.map((container) => container.stop()));
    await this.#starting?.catch(() => undefined);
  }

  async put(
    id: string,
    dueAt: number,
    topic: string,
    partition: number | undefined,
    record: OutgoingRecord,
  ): Promise<void> {
    await this.#makeTopics();
    const own: RecordHeader[] = [
      { key: ID, value: textBytes(id) },
      { key: TO_TOPIC, value: textBytes(topic) },
      ...(partition === undefined ? [] : [{ key: TO_PARTITION, value: longBytes(partition) }]),
      { key: DUE, value: longBytes(dueAt) },
    ];
    await this.#hop({ ...record, headers: [...(record.headers ?? []), ...own] }, dueAt);
  }

  async cancel(id: string, dueAt: number): Promise<boolean> {
    const { clock } = this.#connection;
    if (dueAt <= clock.now()) return false;
    await this.#makeTopics();
    this.#cancelled.set(id, dueAt);
    const record = { key: textBytes(id), value: longBytes(dueAt) };
    await this.#connection.sendRecord(CANCELLED_TOPIC, 0, record);
    return true;
  }

  async #start(): Promise<void> {
    const { clock, logger } = this.#connection;
    for (let tries = 1; !this.#stop.signal.aborted; tries++) {
      try {
        await this.#makeTopics();
        // What was cancelled before this process began has to be known before anything is sent.
        await this.#connection.logs.readLogs([{ topic: CANCELLED_TOPIC, partition: 0 }], (record) =>
          this.#note(record),
        );
        break;
      } catch (error) {
        if (tries === 1) logger.warn(`delayed sends wait: ${messageOf(error)}; it goes on trying`);
        await sleep(clock, AGAIN_MS, this.#stop.signal);
      }
    }
    if (this.#stop.signal.aborted) return;
    this.#containers = [this.#cancellations(), this.#relay()];
    for (const container of this.#containers) await container.start();
  }

  #makeTopics(): Promise<void> {
    this.#making ??= this.#connection.logs
      .makeTopics([
        { name: TOPIC, partitions: LEVELS, configs: { 'retention.ms': String(RETENTION_MS) }, grows: true },
        { name: CANCELLED_TOPIC, partitions: 1, configs: { 'cleanup.policy': 'compact' } },
      ])
      .catch((error: unknown) => {
        this.#making = undefined;
        throw error;
      });
    return this.#making;
  }

  async #hop(record: OutgoingRecord, dueAt: number): Promise<void> {
    const { clock } = this.#connection;
    const now = clock.now();
    const { partition, waitMs } = nextHop(dueAt - now);
    const headers = [...(record.headers ?? []), { key: HOP, value: longBytes(Math.ceil(now + waitMs)) }];
    await this.#connection.sendRecord(TOPIC, partition, { key: record.key, value: record.value, headers });
  }

  readonly #arrived = async (record: KafkaRecord): Promise<Outcome> => {
    try {
      await this.#pass(record);
      return DONE;
    } catch (error) {
      return { status: 'failed', error };
    }
  };

  async #pass(record: KafkaRecord): Promise<void> {
    const { clock, logger } = this.#connection;
    const dueAt = numberHeader(record, DUE);
    const topic = textHeader(record, TO_TOPIC);
    const id = textHeader(record, ID) ?? '';
    if (dueAt === undefined || topic === undefined) {
      logger.warn(`${record.topic}-${record.partition} offset ${record.offset} is no delayed record; it is left out`);
      return;
    }
    if (this.#cancelled.has(id)) return;
    const { key, value } = record;
    if (dueAt > clock.now()) {
      const headers = record.headers.filter((header) => header.key !== HOP);
      await this.#hop({ key, value, headers }, dueAt);
      return;
    }
    const headers = record.headers.filter((header) => !OWN.has(header.key));
    const partition = lastHeader(record, TO_PARTITION) === undefined ? undefined : numberHeader(record, TO_PARTITION);
    await this.#connection.sendRecord(topic, partition, { key, value, headers });
  }

  #note({ key, value }: KafkaRecord): void {
    if (key === null || value === null || value.length !== 8) return;
    const now = this.#connection.clock.now();
    for (const [id, dueAt] of this.#cancelled) {
      if (dueAt + RETENTION_MS > now) break;
      this.#cancelled.delete(id);
    }
    this.#cancelled.set(key.toString(), Number(value.readBigInt64BE()));
  }

  #relay(): ListenerContainer {
    return internalContainer(this.#connection, {
      endpoint: {
        id: TOPIC,
        topics: [TOPIC],
        groupId: GROUP,
        workers: 256,
        order: 'none',
        gapMap: true,
        handler: { kind: 'record', invoke: this.#arrived },
      },
      subject: SUBJECT,
      start: 'earliest',
      settings: {
        budgetRecords: 20_000,
        budgetUncommitted: 40_000,
        // A cluster that is away comes back: nothing of it is ever given up.
        errorHandler: () => ({ action: 'retry', delayMs: AGAIN_MS }),
        admission: (record: KafkaRecord) => {
          const until = numberHeader(record, HOP);
          return until === undefined ? undefined : { action: 'wait', until };
        },
      },
    });
  }

  #cancellations(): ListenerContainer {
    const invoke = (record: KafkaRecord) => {
      this.#note(record);
      return DONE;
    };
    return internalContainer(this.#connection, {
      endpoint: {
        id: CANCELLED_TOPIC,
        topics: [CANCELLED_TOPIC],
        groupId: '',
        assignment: 'all',
        handler: { kind: 'record', invoke },
      },
      subject: SUBJECT,
      start: 'earliest',
    });
  }
}
