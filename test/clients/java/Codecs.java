import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/** Packs and unpacks batches beside a client of ours: `Codecs write|read servers topic codec count`. */
public class Codecs {
  public static void main(String[] args) throws Exception {
    String servers = args[1];
    String topic = args[2];
    String codec = args[3];
    int count = Integer.parseInt(args[4]);
    if (args[0].equals("write")) write(servers, topic, codec, count);
    else read(servers, topic, count);
  }

  /** Batches of many records, each value with its number. */
  static void write(String servers, String topic, String codec, int count) throws Exception {
    Map<String, Object> settings = new HashMap<>(Map.of(
        "bootstrap.servers", servers, "compression.type", codec, "linger.ms", "50", "batch.size", "65536"));
    try (Producer<String, String> producer =
        new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        sent.add(producer.send(new ProducerRecord<>(topic, 0, "k" + i, i + "-" + "\u017elu\u0165".repeat(i % 200))));
      }
      for (Future<RecordMetadata> one : sent) one.get();
    }
  }

  /** Prints a line `offset key value` for each. */
  static void read(String servers, String topic, int count) throws IOException {
    Map<String, Object> settings = Map.of("bootstrap.servers", servers, "check.crcs", "true");
    TopicPartition partition = new TopicPartition(topic, 0);
    StringBuilder lines = new StringBuilder();
    try (Consumer<String, String> consumer =
        new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      long deadline = System.currentTimeMillis() + 30_000;
      for (int seen = 0; seen < count && System.currentTimeMillis() < deadline; ) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
          lines.append(record.offset()).append(' ').append(record.key()).append(' ').append(record.value()).append('\n');
          seen++;
        }
      }
    }
    System.out.write(lines.toString().getBytes(StandardCharsets.UTF_8));
    System.out.flush();
  }
}
