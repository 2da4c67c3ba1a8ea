import io.confluent.parallelconsumer.*;
import java.io.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.serialization.*;

/**
 * The peer of the rows `listener parallel …`: Confluent's Parallel Consumer in key order, with handlers that sleep.
 * Arguments: servers, topic. Each line on standard input runs it once: group, records, threads, ms of sleep. It answers
 * with records per second, from the first record to the last one.
 */
public class ParallelDrain {
  public static void main(String[] args) throws Exception {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] words = line.split(" ");
      System.out.println(run(args[0], args[1], words[0], Integer.parseInt(words[1]), Integer.parseInt(words[2]),
          Integer.parseInt(words[3])));
    }
    System.exit(0);
  }

  static double run(String servers, String topic, String group, int count, int threads, int sleepMs) throws Exception {
    KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", servers, "group.id", group,
        "auto.offset.reset", "earliest", "enable.auto.commit", "false",
        "key.deserializer", ByteArrayDeserializer.class, "value.deserializer", ByteArrayDeserializer.class));
    ParallelStreamProcessor<byte[], byte[]> processor = ParallelStreamProcessor.createEosStreamProcessor(
        ParallelConsumerOptions.<byte[], byte[]>builder().ordering(ParallelConsumerOptions.ProcessingOrder.KEY)
            .maxConcurrency(threads).consumer(consumer).build());
    AtomicInteger left = new AtomicInteger(count);
    AtomicLong first = new AtomicLong(), last = new AtomicLong();
    CountDownLatch done = new CountDownLatch(1);
    processor.subscribe(List.of(topic));
    processor.poll(context -> {
      first.compareAndSet(0, System.nanoTime());
      try {
        Thread.sleep(sleepMs);
      } catch (InterruptedException ended) {
        Thread.currentThread().interrupt();
      }
      if (left.decrementAndGet() == 0) {
        last.set(System.nanoTime());
        done.countDown();
      }
    });
    if (!done.await(180, TimeUnit.SECONDS)) throw new IllegalStateException(left + " left of " + count);
    processor.closeDontDrainFirst();
    return count / ((last.get() - first.get()) / 1e9);
  }
}
