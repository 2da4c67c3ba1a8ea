import { type KafkaRecord } from '../../../common/record.js';
import { type RecordMetadata } from '../../client/producer-client.js';
import { type InvocationContext } from '../../listener/listener-endpoint.js';
import { KafkaListenerContext, type ListenerIdentity } from '../handlers/listener-context.js';
import { type ParsedMessage, replyRecord } from './kafka-message.js';

// The context of handlers written for Nest's own Kafka transport: everything of its KafkaContext, and everything of
// ours.

interface OffsetOf {
  readonly topic: string;
  readonly partition: number;
  readonly offset?: string | number;
}

interface PartitionsOf {
  readonly topic: string;
  readonly partitions?: readonly number[];
}

interface MessagesOf {
  readonly topic: string;
  readonly messages: ReadonlyArray<{
    readonly key?: unknown;
    readonly value: unknown;
    readonly headers?: Record<string, unknown>;
    readonly partition?: number;
  }>;
}

export type RawSend = (
  topic: string,
  partition: number | undefined,
  record: ReturnType<typeof replyRecord>,
) => Promise<RecordMetadata>;

/** What `@Ctx()` gives in `@EventPattern` and `@MessagePattern` handlers under `NestdawStrategy`. */
export class MicroserviceContext extends KafkaListenerContext {
  readonly #message: ParsedMessage;
  readonly #send: RawSend;

  constructor(
    record: KafkaRecord,
    message: ParsedMessage,
    invocation: InvocationContext,
    listener: ListenerIdentity,
    send: RawSend,
  ) {
    super(record, undefined, invocation, listener);
    this.#message = message;
    this.#send = send;
  }

  getArgs(): unknown[] {
    return [this.#message, this.partition, this.topic, this.getConsumer(), this.getHeartbeat(), this.getProducer()];
  }

  getArgByIndex(index: number): unknown {
    return this.getArgs()[index];
  }

  /** The record: key, value and headers parsed as the transport does. */
  getMessage(): ParsedMessage {
    return this.#message;
  }

  getPartition(): number {
    return this.partition;
  }

  getTopic(): string {
    return this.topic;
  }

  /** Does nothing: heartbeats never wait for a handler here. */
  getHeartbeat(): () => Promise<void> {
    return () => Promise.resolve();
  }

  /**
   * The calls of a kafkajs consumer that handlers make. `commitOffsets` commits what is finished, never more: the
   * record of a running handler is not.
   */
  getConsumer() {
    const { consumer } = this;
    const partitionsOf = (topics: readonly PartitionsOf[]) => {
      const assigned = consumer?.assignment() ?? [];
      return topics.flatMap(({ topic, partitions }) => {
        return assigned.filter((tp) => tp.topic === topic && (partitions?.includes(tp.partition) ?? true));
      });
    };
    return {
      commitOffsets: async (_offsets?: readonly OffsetOf[]): Promise<void> => {
        await consumer?.commit();
      },
      pause: (topics: readonly PartitionsOf[]): void => consumer?.pause(partitionsOf(topics)),
      resume: (topics: readonly PartitionsOf[]): void => consumer?.resume(partitionsOf(topics)),
      paused: () => consumer?.paused() ?? [],
      seek: ({ topic, partition, offset }: OffsetOf): Promise<void> => {
        const moved = consumer?.seek(Number(offset), { topic, partition }) ?? Promise.resolve();
        // Code written for kafkajs does not wait, and must not end the process; code that waits gets the rejection.
        moved.catch(() => undefined);
        return moved;
      },
    };
  }

  /** The call of a kafkajs producer that handlers make. */
  getProducer() {
    return {
      send: async ({ topic, messages }: MessagesOf): Promise<RecordMetadata[]> =>
        Promise.all(messages.map((message) => this.#send(topic, message.partition, replyRecord(message, [])))),
    };
  }
}
