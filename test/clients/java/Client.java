import java.time.Duration;
import java.util.*;
import java.util.concurrent.Future;
import java.util.stream.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.utils.AppInfoParser;

/** The Java client: every codec, a group of two with cooperative rebalancing, commits, transactions with offsets. */
public class Client {
  static final int PARTITIONS = 3, RECORDS = 300;
  static String servers, topic;

  public static void main(String[] args) throws Exception {
    servers = args[0];
    topic = args[1];
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers))) {
      admin.createTopics(List.of(new NewTopic(topic, PARTITIONS, (short) 1))).all().get();
      Set<String> sent = produce();
      int members = consumeInTwo(sent);
      long committed = committed(admin);
      String transactions = args[2].equals("true") ? transact(admin) : "no transactions";
      System.out.printf("Java client %s: %d produced, consumed by %d members, %d committed, %s%n",
          AppInfoParser.getVersion(), sent.size(), members, committed, transactions);
    }
  }

  static Producer<String, String> producer(String... more) {
    Map<String, Object> settings = settings(more);
    settings.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    settings.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    return new KafkaProducer<>(settings);
  }

  static Consumer<String, String> consumer(String... more) {
    Map<String, Object> settings = new HashMap<>();
    settings.put("group.id", topic + "-group");
    settings.put("auto.offset.reset", "earliest");
    settings.put("enable.auto.commit", "false");
    settings.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
    settings.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    settings.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    settings.putAll(settings(more));
    return new KafkaConsumer<>(settings);
  }

  static Map<String, Object> settings(String... pairs) {
    Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", servers));
    for (int i = 0; i < pairs.length; i += 2) settings.put(pairs[i], pairs[i + 1]);
    return settings;
  }

  static Set<String> produce() throws Exception {
    Set<String> sent = new HashSet<>();
    for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
      try (Producer<String, String> producer = producer("compression.type", codec, "linger.ms", "5")) {
        List<Future<RecordMetadata>> results = new ArrayList<>();
        for (int i = 0; i < RECORDS; i++) {
          String value = codec + "-" + i + "-" + "x".repeat(100);
          sent.add(value);
          results.add(producer.send(new ProducerRecord<>(topic, String.valueOf(i % 17), value)));
        }
        for (Future<RecordMetadata> result : results) check(result.get().offset() >= 0, "no offset");
      }
    }
    return sent;
  }

  static int consumeInTwo(Set<String> expected) {
    Set<String> seen = new HashSet<>();
    Set<Integer> assigned = new HashSet<>();
    List<Consumer<String, String>> pair = List.of(consumer(), consumer());
    for (Consumer<String, String> member : pair) member.subscribe(List.of(topic));
    long deadline = System.currentTimeMillis() + 60_000;
    while ((seen.size() < expected.size() || assigned.size() < 2) && System.currentTimeMillis() < deadline) {
      for (int number = 0; number < 2; number++) {
        Consumer<String, String> member = pair.get(number);
        for (ConsumerRecord<String, String> record : member.poll(Duration.ofMillis(200))) seen.add(record.value());
        if (!member.assignment().isEmpty()) assigned.add(number);
      }
    }
    check(seen.equals(expected), seen.size() + " of " + expected.size() + " consumed");
    for (Consumer<String, String> member : pair) {
      member.commitSync();
      member.close();
    }
    return assigned.size();
  }

  static long committed(Admin admin) throws Exception {
    List<TopicPartition> partitions =
        IntStream.range(0, PARTITIONS).mapToObj(p -> new TopicPartition(topic, p)).collect(Collectors.toList());
    try (Consumer<String, String> reader = consumer()) {
      long total = reader.committed(new HashSet<>(partitions)).values().stream()
          .filter(Objects::nonNull).mapToLong(OffsetAndMetadata::offset).sum();
      long ends = reader.endOffsets(partitions).values().stream().mapToLong(Long::longValue).sum();
      check(total == ends, "committed " + total + " of " + ends);
      Map<TopicPartition, OffsetAndMetadata> listed =
          admin.listConsumerGroupOffsets(topic + "-group").partitionsToOffsetAndMetadata().get();
      check(listed.size() == PARTITIONS, "offsets of " + listed.size() + " partitions");
      return total;
    }
  }

  static String transact(Admin admin) throws Exception {
    String out = topic + "-txn";
    admin.createTopics(List.of(new NewTopic(out, 1, (short) 1))).all().get();
    try (Consumer<String, String> source = consumer("group.id", topic + "-txn-group");
        Producer<String, String> producer = producer("transactional.id", topic + "-id")) {
      source.subscribe(List.of(topic));
      while (source.poll(Duration.ofMillis(500)).isEmpty()) {}
      producer.initTransactions();
      for (String outcome : List.of("kept", "dropped", "kept")) {
        producer.beginTransaction();
        for (int i = 0; i < 10; i++) producer.send(new ProducerRecord<>(out, outcome));
        Map<TopicPartition, OffsetAndMetadata> positions = new HashMap<>();
        for (TopicPartition tp : source.assignment()) positions.put(tp, new OffsetAndMetadata(source.position(tp)));
        producer.sendOffsetsToTransaction(positions, source.groupMetadata());
        if (outcome.equals("kept")) producer.commitTransaction();
        else producer.abortTransaction();
      }
      long committed = source.committed(source.assignment()).values().stream()
          .filter(Objects::nonNull).mapToLong(OffsetAndMetadata::offset).sum();
      check(committed > 0, "no offset committed by the transactions");
    }
    List<String> values = new ArrayList<>();
    try (Consumer<String, String> reader =
        consumer("group.id", topic + "-read", "isolation.level", "read_committed")) {
      reader.subscribe(List.of(out));
      long deadline = System.currentTimeMillis() + 20_000;
      while (values.size() < 20 && System.currentTimeMillis() < deadline) {
        for (ConsumerRecord<String, String> record : reader.poll(Duration.ofMillis(200))) values.add(record.value());
      }
    }
    check(values.equals(Collections.nCopies(20, "kept")), values.size() + " records: " + new HashSet<>(values));
    return "transactions: 20 committed with offsets, 10 aborted unseen";
  }

  static void check(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }
}
