import java.io.*;
import java.lang.management.ManagementFactory;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.serialization.*;
import org.springframework.kafka.core.*;
import org.springframework.kafka.listener.*;

/**
 * The peer of the rows `listener spring …`: a listener of spring-kafka that reads a filled topic and does nothing.
 * Arguments: servers, topic. Each line on standard input runs it once: group, kind (record, batch, immediate), records,
 * unit, records before those that are not measured. It answers with records per second of the clock (`wall`) or of the
 * processor (`cpu`), from the first of them to the last one.
 */
public class ListenerDrain {
  static final com.sun.management.OperatingSystemMXBean SYSTEM =
      (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  public static void main(String[] args) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] words = line.split(" ");
      System.out.println(run(args[0], args[1], words[0], words[1], Integer.parseInt(words[2]), words[3].equals("cpu"),
          Integer.parseInt(words[4])));
    }
  }

  static double run(String servers, String topic, String group, String kind, int count, boolean byCpu, int warmUp)
      throws Exception {
    Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", servers, "group.id", group,
        "auto.offset.reset", "earliest", "key.deserializer", ByteArrayDeserializer.class,
        "value.deserializer", ByteArrayDeserializer.class));
    if (kind.equals("batch")) settings.put("max.poll.records", 5000);
    AtomicInteger left = new AtomicInteger(count), measured = new AtomicInteger(count);
    AtomicInteger unmeasured = new AtomicInteger(warmUp);
    AtomicLong first = new AtomicLong(), cpu = new AtomicLong(), took = new AtomicLong(), used = new AtomicLong();
    CountDownLatch done = new CountDownLatch(1);
    IntConsumerLike hit = records -> {
      if (unmeasured.get() > 0) {
        // Those of its batch that came behind them are not measured either.
        left.addAndGet(Math.min(0, unmeasured.addAndGet(-records)));
        measured.set(left.get());
        return;
      }
      if (first.get() == 0) {
        first.set(System.nanoTime());
        cpu.set(SYSTEM.getProcessCpuTime());
      }
      if (left.addAndGet(-records) > 0 || done.getCount() == 0) return;
      took.set(System.nanoTime() - first.get());
      used.set(SYSTEM.getProcessCpuTime() - cpu.get());
      done.countDown();
    };
    ContainerProperties properties = new ContainerProperties(topic);
    switch (kind) {
      case "batch":
        properties.setMessageListener((BatchMessageListener<byte[], byte[]>) batch -> hit.accept(batch.size()));
        break;
      case "immediate":
        properties.setAckMode(ContainerProperties.AckMode.MANUAL_IMMEDIATE);
        properties.setMessageListener((AcknowledgingMessageListener<byte[], byte[]>) (record, ack) -> {
          ack.acknowledge();
          hit.accept(1);
        });
        break;
      default:
        properties.setMessageListener((MessageListener<byte[], byte[]>) record -> hit.accept(1));
    }
    KafkaMessageListenerContainer<byte[], byte[]> container =
        new KafkaMessageListenerContainer<>(new DefaultKafkaConsumerFactory<byte[], byte[]>(settings), properties);
    container.start();
    if (!done.await(120, TimeUnit.SECONDS)) throw new IllegalStateException(left + " left of " + count);
    container.stop();
    return measured.get() / ((byCpu ? used.get() : took.get()) / 1e9);
  }

  interface IntConsumerLike {
    void accept(int records);
  }
}
