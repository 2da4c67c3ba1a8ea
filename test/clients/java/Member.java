import java.time.Duration;
import java.util.*;
import java.util.stream.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;

/** One Java member of a group: says what it owns and reads, commits, and leaves when its input ends. */
public class Member {
  public static void main(String[] args) throws Exception {
    Map<String, Object> settings = new HashMap<>();
    settings.put("bootstrap.servers", args[0]);
    settings.put("group.id", args[2]);
    settings.put("partition.assignment.strategy",
        Arrays.stream(args[3].split(",")).map(name -> "org.apache.kafka.clients.consumer." + name).collect(Collectors.joining(",")));
    settings.put("heartbeat.interval.ms", "500");
    settings.put("auto.offset.reset", "earliest");
    settings.put("enable.auto.commit", "false");
    settings.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    settings.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    try (Consumer<String, String> consumer = new KafkaConsumer<>(settings)) {
      consumer.subscribe(List.of(args[1]), new ConsumerRebalanceListener() {
        public void onPartitionsRevoked(Collection<TopicPartition> gone) { say("revoked", gone); }
        public void onPartitionsLost(Collection<TopicPartition> gone) { say("lost", gone); }
        public void onPartitionsAssigned(Collection<TopicPartition> added) { say("assigned", added); }
      });
      while (System.in.available() == 0) {
        ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(100));
        for (ConsumerRecord<String, String> record : records) System.out.println("record " + record.value());
        if (!records.isEmpty()) commit(consumer);
      }
    }
  }

  static void commit(Consumer<String, String> consumer) {
    try {
      consumer.commitSync();
    } catch (CommitFailedException | org.apache.kafka.common.errors.RebalanceInProgressException moved) {
      System.out.println("commit " + moved.getClass().getSimpleName());
    }
  }

  static void say(String what, Collection<TopicPartition> partitions) {
    System.out.println(what + " " + partitions.stream().map(tp -> String.valueOf(tp.partition())).sorted().collect(Collectors.joining(",")));
  }
}
