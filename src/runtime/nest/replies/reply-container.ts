import { messageOf, NestdawError } from '../../../common/errors.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type ListenerContainer } from '../../listener/listener-container.js';
import { DONE } from '../../listener/listener-endpoint.js';
import { type ReplySource } from '../../template/replies/reply-exchange.js';
import { internalContainer } from '../connection/internal-container.js';
import { type KafkaConnection } from '../connection/kafka-connection.js';

// The consumer behind a replying template: a listener container of its own, which ends after all listeners, so that
// what they still wait for can come.

export interface ReplyContainerOptions {
  readonly connection: KafkaConnection;
  readonly topic: string;
  readonly partition: number | undefined;
  /** Undefined: reads everything by itself, from now on, and leaves no group behind. */
  readonly groupId: string | undefined;
}

export class ReplyContainer implements ReplySource {
  readonly topic: string;
  readonly partition: number | undefined;
  onReply: (record: KafkaRecord) => void = () => undefined;
  readonly #options: ReplyContainerOptions;
  #container: ListenerContainer | undefined;
  #starting: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: ReplyContainerOptions) {
    this.#options = options;
    this.topic = options.topic;
    this.partition = options.partition;
  }

  get isReady(): boolean {
    return this.#container?.state === 'running' && this.#container.assignment().length > 0;
  }

  start(): Promise<void> {
    if (this.#isStopped) {
      return Promise.reject(new NestdawError('KAFKA_STOPPED', `replies on ${this.topic} are not read any more`));
    }
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#container?.stop();
  }

  async #start(): Promise<void> {
    await this.#makeTopic();
    this.#container ??= this.#create();
    const container = this.#container;
    await container.start();
    if (container.assignment().length > 0) return;
    // The topic has just been made, or its group gives the partitions to others first.
    await new Promise<void>((resolve) => {
      const end = container.onEvent((event) => {
        if (container.assignment().length === 0 && event.type !== 'stopped') return;
        end();
        resolve();
      });
    });
  }

  async #makeTopic(): Promise<void> {
    const { connection, topic } = this.#options;
    try {
      await connection.logs.makeTopics([{ name: topic }]);
    } catch (error) {
      connection.logger.warn(`reply topic ${topic} could not be looked for, or made: ${messageOf(error)}`);
    }
  }

  #create(): ListenerContainer {
    const { connection, topic, partition, groupId } = this.#options;
    const isAll = groupId === undefined && partition === undefined;
    return internalContainer(connection, {
      endpoint: {
        id: `replies-${topic}${partition === undefined ? '' : `-${partition}`}`,
        topics: partition === undefined ? [topic] : [],
        assignment: isAll ? 'all' : partition === undefined ? undefined : [{ topic, partition, start: 'end' }],
        groupId: groupId ?? '',
        handler: {
          kind: 'batch',
          invoke: (records) => {
            for (const record of records) this.onReply(record);
            return DONE;
          },
        },
      },
      subject: `replies on ${topic}`,
      // Replies to requests of an earlier life of this process are nobody's.
      start: 'latest',
    });
  }
}
