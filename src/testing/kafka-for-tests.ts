import { type Clock } from '../common/clock.js';
import { type KafkaRecord, type OutgoingRecord } from '../common/record.js';
import { PROPERTY_OVERRIDES } from '../runtime/config/property-overrides.js';
import { type TestClient } from './test-client.js';
import { type UntilOptions, until } from './until.js';

/** What `provide` needs of Nest's TestingModuleBuilder. */
export interface OverridableBuilder {
  overrideProvider(token: unknown): { useValue(value: unknown): unknown };
}

/** What a test asks of a broker, whichever it is: topics, records, and to wait for what an application does. */
export abstract class KafkaForTests {
  /** Address for clients: `127.0.0.1:<port>`. */
  abstract readonly bootstrapServers: string;

  protected constructor(
    private readonly client: TestClient,
    private readonly clock: Clock,
  ) {}

  /**
   * Properties that point an application at this broker and let new groups begin at the oldest record, for the
   * connection without a name, and for those named.
   */
  properties(...connections: string[]): Record<string, string> {
    const prefixes = ['kafka', ...connections.map((name) => `kafka.${name}`)];
    return Object.fromEntries(
      prefixes.flatMap((prefix) => [
        [`${prefix}.bootstrap-servers`, this.bootstrapServers],
        [`${prefix}.consumer.auto-offset-reset`, 'earliest'],
      ]),
    );
  }

  /**
   * Makes the KafkaModule of a Nest testing module use this broker, also for the connections named; returns the
   * builder.
   */
  provide<B extends OverridableBuilder>(builder: B, ...connections: string[]): B {
    builder.overrideProvider(PROPERTY_OVERRIDES).useValue(this.properties(...connections));
    return builder;
  }

  /** Creates a topic. Throws KAFKA_PROTOCOL_ERROR when it exists or the name is not allowed. */
  createTopic(name: string, partitions = 1): Promise<void> {
    return this.client.createTopic(name, partitions);
  }

  /** Stores records in one partition and resolves with the offset of the first. */
  produce(topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<number> {
    return this.client.produce(topic, partition, records);
  }

  /** All records of a topic, by partition and offset. */
  records(topic: string): Promise<KafkaRecord[]> {
    return this.client.records(topic);
  }

  /** Waits until a topic holds at least `count` records, and resolves with them. */
  untilRecords(topic: string, count: number, options?: UntilOptions): Promise<KafkaRecord[]> {
    const look = async () => {
      const found = await this.records(topic);
      return found.length >= count && found;
    };
    return until(look, { what: `${count} records in ${topic}`, clock: this.clock, ...options });
  }

  /** Committed offset of each partition of a topic; -1 where the group has committed nothing. */
  committed(groupId: string, topic: string): Promise<number[]> {
    return this.client.committed(groupId, topic);
  }

  /** Waits until a group has committed everything that a topic holds. */
  async untilConsumed(groupId: string, topic: string, options?: UntilOptions): Promise<void> {
    const look = async () => {
      const [ends, committed] = await Promise.all([this.client.endOffsets(topic), this.committed(groupId, topic)]);
      return ends.every((end, partition) => Math.max(0, committed[partition] ?? -1) >= end);
    };
    await until(look, { what: `group ${groupId} having committed all of ${topic}`, clock: this.clock, ...options });
  }
}
