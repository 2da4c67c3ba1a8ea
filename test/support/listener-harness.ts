import { type Deferred, deferred } from '../../src/common/lifecycle.js';
import { type Logger } from '../../src/common/logger.js';
import { type KafkaRecord } from '../../src/common/record.js';
import { type ContainerEvent } from '../../src/runtime/listener/container-events.js';
import { type ContainerSettings } from '../../src/runtime/listener/container-settings.js';
import { ListenerContainer } from '../../src/runtime/listener/listener-container.js';
import {
  type BatchInvoker,
  DONE,
  type InvocationContext,
  type ListenerEndpoint,
  type Outcome,
  type RecordInvoker,
} from '../../src/runtime/listener/listener-endpoint.js';
import { FakeConsumer, FakeKafka } from './fake-consumer.js';
import { flush, ManualClock } from './manual-clock.js';

// A listener container over fake consumers, with everything in reach of a test.

export const TOPIC = 'orders';

export function endpointOf(given: Partial<ListenerEndpoint>): ListenerEndpoint {
  return {
    id: 'billing',
    connection: 'default',
    topics: [TOPIC],
    groupId: 'billing',
    concurrency: 1,
    workers: undefined,
    order: 'partition',
    ackMode: 'BATCH',
    ackCount: 1,
    ackTimeMs: 5_000,
    gapMap: false,
    autoStartup: true,
    handler: { kind: 'record', invoke: () => DONE },
    ...given,
  };
}

export interface HarnessOptions {
  /** Partitions of the topic, all of the first consumer. Default 1. */
  readonly partitions?: number;
  readonly endpoint?: Partial<ListenerEndpoint>;
  readonly settings?: Partial<ContainerSettings>;
  readonly invoke?: RecordInvoker;
  readonly batch?: BatchInvoker;
  readonly kafka?: FakeKafka;
  readonly beforeStart?: () => Promise<void>;
}

export class Harness {
  readonly clock = new ManualClock();
  readonly kafka: FakeKafka;
  readonly container: ListenerContainer;
  readonly consumers: FakeConsumer[] = [];
  readonly events: ContainerEvent[] = [];
  readonly log: string[] = [];
  readonly #all: Array<{ topic: string; partition: number }>;

  constructor(options: HarnessOptions) {
    const { partitions = 1, endpoint = {}, settings, invoke, batch, kafka = new FakeKafka(), beforeStart } = options;
    this.kafka = kafka;
    this.#all = Array.from({ length: partitions }, (_, partition) => ({ topic: TOPIC, partition }));
    const logger: Logger = {
      log: (message) => void this.log.push(`log ${message}`),
      warn: (message) => void this.log.push(`warn ${message}`),
      error: (message) => void this.log.push(`error ${message}`),
    };
    const handler = batch
      ? { kind: 'batch' as const, invoke: batch }
      : { kind: 'record' as const, invoke: invoke ?? (() => DONE) };
    this.container = new ListenerContainer({
      endpoint: endpointOf({ handler, ...endpoint }),
      createConsumer: (index) => {
        const consumer = new FakeConsumer(this.kafka, this.clock, index === 0 ? this.#all : []);
        this.consumers.push(consumer);
        return consumer;
      },
      clock: this.clock,
      logger,
      settings: settings ?? {},
      ...(beforeStart === undefined ? {} : { beforeStart }),
    });
    this.container.onEvent((event) => this.events.push(event));
  }

  /** The consumer made last. */
  get consumer(): FakeConsumer {
    return this.consumers.at(-1)!;
  }

  async start(): Promise<this> {
    await this.container.start();
    await flush();
    return this;
  }

  /** Records `count` times, without a key unless `key` gives one. */
  push(count: number, key: (i: number) => string | null = () => null, partition = 0): void {
    for (let i = 0; i < count; i++) this.kafka.push(TOPIC, partition, key(i));
  }

  committed(partition = 0): number | undefined {
    return this.kafka.committed.get(TOPIC, partition)?.offset;
  }

  ofType<T extends ContainerEvent['type']>(type: T): Array<Extract<ContainerEvent, { type: T }>> {
    return this.events.filter((event): event is Extract<ContainerEvent, { type: T }> => event.type === type);
  }

  partition(partition = 0) {
    return this.container
      .describe()
      .consumers.flatMap(({ partitions }) => partitions)
      .find((each) => each.partition === partition)!;
  }
}

interface Call {
  readonly record: KafkaRecord;
  readonly context: InvocationContext;
  readonly end: Deferred<Outcome>;
}

/** A handler whose calls end when the test says so. */
export class GatedHandler {
  readonly calls: Call[] = [];
  readonly running = new Set<Call>();

  readonly invoke: RecordInvoker = (record, context) => {
    const call: Call = { record, context, end: deferred<Outcome>() };
    this.calls.push(call);
    this.running.add(call);
    return call.end.promise.finally(() => this.running.delete(call));
  };

  /** Offsets in the order in which they were started. */
  get started(): number[] {
    return this.calls.map(({ record }) => record.offset);
  }

  get runningOffsets(): number[] {
    return [...this.running].map(({ record }) => record.offset).sort((a, b) => a - b);
  }

  call(offset: number, partition = 0): Call {
    const found = [...this.running].find(({ record }) => record.offset === offset && record.partition === partition);
    if (!found) throw new Error(`offset ${offset} of partition ${partition} is not running`);
    return found;
  }

  async end(offset: number, outcome: Outcome = DONE, partition = 0): Promise<void> {
    this.call(offset, partition).end.resolve(outcome);
    await flush();
  }

  async endAll(): Promise<void> {
    while (this.running.size > 0) {
      for (const call of this.running) call.end.resolve(DONE);
      await flush();
    }
  }
}

export function failed(message = 'boom'): Outcome {
  return { status: 'failed', error: new Error(message) };
}
