import { type KafkaRecord } from '../../src/common/record.js';
import { KafkajsCluster } from '../../src/runtime/client/cluster/kafkajs-cluster.js';
import { StandaloneConsumer } from '../../src/runtime/client/consumer/standalone-consumer.js';

/** All that a read_committed reader sees of a topic up to its present end. Waits while a transaction is open. */
export async function readCommitted(address: string, topic: string): Promise<KafkaRecord[]> {
  const open = () => new KafkajsCluster({ bootstrapServers: [address] });
  const consumer = new StandaloneConsumer({
    groupId: '',
    topics: [topic],
    autoOffsetReset: 'earliest',
    isolationLevel: 'read_committed',
    createCluster: open,
  });
  const uncommitted = new StandaloneConsumer({ groupId: '', topics: [topic], createCluster: open });
  const nobody = { onAssigned: () => undefined, onRevoked: () => undefined, onLost: () => undefined };
  try {
    await Promise.all([consumer.start(nobody), uncommitted.start(nobody)]);
    const ends = await uncommitted.offsetsAt(consumer.assignment(), 'end');
    const records: KafkaRecord[] = [];
    const isBehind = () =>
      consumer
        .assignment()
        .some((tp) => (consumer.position(tp.topic, tp.partition) ?? 0) < ends.get(tp.topic, tp.partition)!);
    while (isBehind()) {
      const polled = await consumer.poll({ maxRecords: 10_000, maxWaitMs: 200 });
      for (const part of polled) records.push(...part.records);
    }
    return records;
  } finally {
    await Promise.all([consumer.stop(), uncommitted.stop()]);
  }
}
