import java.io.*;
import java.lang.management.ManagementFactory;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.serialization.*;
import org.springframework.kafka.core.*;
import org.springframework.kafka.listener.*;
import org.springframework.kafka.transaction.KafkaTransactionManager;

/**
 * The peer of the rows `transaction …`: a batch listener of spring-kafka that copies what it reads in transactions.
 * Arguments: servers, input, output, records in all, records a transaction. Each line on standard input runs it once, in
 * the group that the line names; it answers with records per second, from the first batch to the end of the last one, and with the µs
 * of CPU that the process used for each of them meanwhile.
 */
public class TransactionCopy {
  static final com.sun.management.OperatingSystemMXBean SYSTEM =
      (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  public static void main(String[] args) throws Exception {
    String servers = args[0], input = args[1], output = args[2];
    int count = Integer.parseInt(args[3]), perTransaction = Integer.parseInt(args[4]);
    DefaultKafkaProducerFactory<byte[], byte[]> producers = new DefaultKafkaProducerFactory<>(new HashMap<>(Map.of(
        "bootstrap.servers", servers, "key.serializer", ByteArraySerializer.class, "value.serializer", ByteArraySerializer.class,
        "linger.ms", 0)));
    producers.setTransactionIdPrefix("spring-" + ProcessHandle.current().pid() + "-");
    KafkaTemplate<byte[], byte[]> template = new KafkaTemplate<>(producers);
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String group = lines.readLine(); group != null; group = lines.readLine()) {
      System.out.println(run(servers, input, output, group, count, perTransaction, producers, template));
    }
    producers.destroy();
  }

  static String run(String servers, String input, String output, String group, int count, int perTransaction,
      ProducerFactory<byte[], byte[]> producers, KafkaTemplate<byte[], byte[]> template) throws Exception {
    Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", servers, "group.id", group,
        "auto.offset.reset", "earliest", "isolation.level", "read_committed", "max.poll.records", perTransaction,
        "key.deserializer", ByteArrayDeserializer.class, "value.deserializer", ByteArrayDeserializer.class));
    AtomicInteger seen = new AtomicInteger();
    AtomicLong first = new AtomicLong(), last = new AtomicLong(), cpu = new AtomicLong(), used = new AtomicLong();
    CountDownLatch done = new CountDownLatch(1);
    ContainerProperties properties = new ContainerProperties(input);
    properties.setKafkaAwareTransactionManager(new KafkaTransactionManager<>(producers));
    properties.setMessageListener((BatchMessageListener<byte[], byte[]>) batch -> {
      if (first.compareAndSet(0, System.nanoTime())) cpu.set(SYSTEM.getProcessCpuTime());
      for (ConsumerRecord<byte[], byte[]> record : batch) template.send(output, record.key(), record.value());
      last.set(System.nanoTime());
      used.set(SYSTEM.getProcessCpuTime() - cpu.get());
      if (seen.addAndGet(batch.size()) >= count) done.countDown();
    });
    KafkaMessageListenerContainer<byte[], byte[]> container =
        new KafkaMessageListenerContainer<>(new DefaultKafkaConsumerFactory<byte[], byte[]>(settings), properties);
    container.start();
    if (!done.await(120, TimeUnit.SECONDS)) throw new IllegalStateException(seen + " of " + count);
    container.stop();
    return count / ((last.get() - first.get()) / 1e9) + " " + used.get() / 1e3 / count;
  }
}
