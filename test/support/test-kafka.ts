import { systemClock } from '../../src/common/clock.js';
import { silentLogger } from '../../src/common/logger.js';
import { KafkaAdmin } from '../../src/runtime/client/admin/kafka-admin.js';
import { KafkajsCluster } from '../../src/runtime/client/cluster/kafkajs-cluster.js';
import { EmbeddedKafka } from '../../src/testing/index.js';
import { KafkaForTests } from '../../src/testing/kafka-for-tests.js';
import { TestClient } from '../../src/testing/test-client.js';
import { until } from '../../src/testing/until.js';
import { createTopicNamed } from './client-broker.js';

// What suites of listeners run against: a broker of ours for each test, or Apache Kafka where KAFKA_BOOTSTRAP_SERVERS
// names it. There topics and groups that a test makes are deleted at its end, so such suites run one after another.

const given = process.env.KAFKA_BOOTSTRAP_SERVERS?.split(',')[0];

/** A broker with these topics, or the cluster once they are there. */
export async function startTestKafka(topics: Readonly<Record<string, number>> = {}): Promise<TestKafka> {
  return given === undefined ? EmbeddedKafka.start({ topics }) : ClusterForTests.open(given, topics);
}

export type TestKafka = EmbeddedKafka | ClusterForTests;

class ClusterForTests extends KafkaForTests {
  readonly bootstrapServers: string;
  readonly #client: TestClient;
  readonly #admin: KafkaAdmin;
  #topicsBefore: readonly string[] = [];
  #groupsBefore: readonly string[] = [];

  private constructor(bootstrapServers: string) {
    const openCluster = () => new KafkajsCluster({ bootstrapServers: [bootstrapServers] });
    const client = new TestClient(openCluster(), systemClock);
    super(client, systemClock);
    this.bootstrapServers = bootstrapServers;
    this.#client = client;
    this.#admin = new KafkaAdmin({ openCluster, logger: silentLogger });
  }

  static async open(bootstrapServers: string, topics: Readonly<Record<string, number>>): Promise<ClusterForTests> {
    const kafka = new ClusterForTests(bootstrapServers);
    await kafka.#client.connect();
    kafka.#topicsBefore = await kafka.#admin.listTopics();
    kafka.#groupsBefore = await kafka.#groups();
    for (const [name, partitions] of Object.entries(topics)) await kafka.createTopic(name, partitions);
    return kafka;
  }

  override async createTopic(name: string, partitions = 1): Promise<void> {
    await createTopicNamed(this.bootstrapServers, name, partitions);
    await this.#client.cluster.refreshMetadata();
  }

  async #groups(): Promise<string[]> {
    return (await this.#admin.listGroups()).map(({ groupId }) => groupId);
  }

  async stop(): Promise<void> {
    const groups = (await this.#groups()).filter((id) => !this.#groupsBefore.includes(id));
    if (groups.length > 0) await this.#admin.deleteGroups(...groups);
    const topics = (await this.#admin.listTopics()).filter((name) => !this.#topicsBefore.includes(name));
    if (topics.length > 0) await this.#admin.deleteTopics(...topics);
    const areGone = async () => (await this.#admin.listTopics()).every((name) => !topics.includes(name));
    await until(areGone, { what: `${topics.join(', ')} to be gone` });
    await this.#admin.close();
    await this.#client.close();
  }
}
