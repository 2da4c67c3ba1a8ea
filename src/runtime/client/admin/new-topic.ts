// Topics as an application declares them.

/** What may be said about a topic. */
export interface TopicOptions {
  readonly name: string;
  /** Default: the broker's `num.partitions`. */
  readonly partitions?: number;
  /** Copies of each partition. Default: the broker's `default.replication.factor`. The embedded broker keeps one. */
  readonly replicas?: number;
  /** Brokers of each partition, by partition; in place of `partitions` and `replicas`. */
  readonly replicasAssignments?: Readonly<Record<number, readonly number[]>>;
  /** Kafka's configs of topics: `{ 'retention.ms': '86400000' }`. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>;
  /** Name of the connection whose cluster it belongs to, for those given as providers. Default `default`. */
  readonly connection?: string;
}

/** So that both builds of the package recognise each other's. */
const NEW_TOPIC = Symbol.for('nestdaw:new-topic');

/**
 * A topic that shall exist when the application has started (Spring: `NewTopic`). Declared with
 * `KafkaModule.forRoot({ topics: [...] })`, or as a provider. What exists already gets more partitions if more are
 * declared, never fewer; its configs are changed under `kafka.admin.modify-topic-configs=true` only.
 */
export class NewTopic implements TopicOptions {
  readonly name: string;
  readonly partitions?: number;
  readonly replicas?: number;
  readonly replicasAssignments?: Readonly<Record<number, readonly number[]>>;
  readonly configs?: Readonly<Record<string, string | number | boolean>>;
  readonly connection?: string;
  readonly [NEW_TOPIC] = true;

  constructor(options: TopicOptions) {
    this.name = options.name;
    Object.assign(this, options);
  }
}

/** Several topics in one provider (Spring: `KafkaAdmin.NewTopics`). */
export class NewTopics {
  readonly topics: readonly TopicOptions[];

  constructor(...topics: readonly TopicOptions[]) {
    this.topics = topics;
  }
}

/** The topics that a provider's instance stands for; none for anything else. */
export function topicsIn(instance: unknown): readonly TopicOptions[] {
  if (typeof instance !== 'object' || instance === null) return [];
  if (NEW_TOPIC in instance) return [instance as NewTopic];
  const { topics } = instance as Partial<NewTopics>;
  const isSet = instance.constructor?.name === 'NewTopics' && Array.isArray(topics);
  return isSet ? topics : [];
}

/** A topic that is being described. */
export class TopicBuilding {
  readonly #options: { -readonly [P in keyof TopicOptions]: TopicOptions[P] };

  constructor(name: string) {
    this.#options = { name };
  }

  partitions(count: number): this {
    this.#options.partitions = count;
    return this;
  }

  replicas(count: number): this {
    this.#options.replicas = count;
    return this;
  }

  /** Brokers of one partition, the preferred leader first. */
  assignReplicas(partition: number, brokers: readonly number[]): this {
    this.#options.replicasAssignments = { ...this.#options.replicasAssignments, [partition]: brokers };
    return this;
  }

  /** Brokers of all partitions. */
  replicasAssignments(assignments: Readonly<Record<number, readonly number[]>>): this {
    this.#options.replicasAssignments = assignments;
    return this;
  }

  config(name: string, value: string | number | boolean): this {
    this.#options.configs = { ...this.#options.configs, [name]: value };
    return this;
  }

  configs(values: Readonly<Record<string, string | number | boolean>>): this {
    this.#options.configs = { ...this.#options.configs, ...values };
    return this;
  }

  /** `cleanup.policy=compact`: the last record of each key is kept. */
  compact(): this {
    return this.config('cleanup.policy', 'compact');
  }

  /** The connection whose cluster it belongs to. */
  connection(name: string): this {
    this.#options.connection = name;
    return this;
  }

  build(): NewTopic {
    return new NewTopic(this.#options);
  }
}

/** A topic step by step (Spring: `TopicBuilder`): `TopicBuilder.name('orders').partitions(12).compact().build()`. */
export const TopicBuilder = { name: (name: string): TopicBuilding => new TopicBuilding(name) } as const;
