import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;
import org.springframework.context.annotation.*;
import org.springframework.kafka.annotation.*;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.core.*;
import org.springframework.kafka.support.Acknowledgment;
import org.springframework.kafka.listener.ContainerProperties.AckMode;
import org.springframework.kafka.transaction.KafkaTransactionManager;
import org.springframework.messaging.handler.annotation.SendTo;

/** spring-kafka: a template, a listener in a group of three, acknowledgment by hand, a transaction that hands on. */
@Configuration
@EnableKafka
public class SpringClient {
  static final int PARTITIONS = 3, RECORDS = 300, ORDERS = 20;
  static String servers, topic;
  static final Set<String> seen = ConcurrentHashMap.newKeySet();
  static final Set<Integer> threads = ConcurrentHashMap.newKeySet();
  static final Map<String, Integer> tries = new ConcurrentHashMap<>();
  static final CountDownLatch all = new CountDownLatch(RECORDS), paid = new CountDownLatch(ORDERS);

  @SuppressWarnings("unchecked")
  public static void main(String[] args) throws Exception {
    servers = args[0];
    topic = args[1];
    boolean transactions = args[2].equals("true");
    try (AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext(SpringClient.class)) {
      context.start();
      KafkaTemplate<String, String> template = context.getBean("template", KafkaTemplate.class);
      List<CompletableFuture<?>> sent = new ArrayList<>();
      for (int i = 0; i < RECORDS; i++) sent.add(template.send(topic, String.valueOf(i % 17), "value-" + i));
      CompletableFuture.allOf(sent.toArray(new CompletableFuture[0])).get(30, TimeUnit.SECONDS);
      check(all.await(40, TimeUnit.SECONDS), seen.size() + " of " + RECORDS + " came to the listener");
      String end = transactions ? transact(context.getBean("transactional", KafkaTemplate.class)) : "no transactions";
      // The containers commit what is acknowledged before they stop.
      context.close();
      System.out.printf("spring-kafka %s: %d sent, handled by %d consumers, %d committed, %s%n",
          KafkaTemplate.class.getPackage().getImplementationVersion(), RECORDS, threads.size(), committed(), end);
    }
  }

  static String transact(KafkaTemplate<String, String> template) throws Exception {
    template.executeInTransaction(it -> {
      for (int i = 0; i < ORDERS; i++) it.send(topic + "-orders", "order-" + i);
      return null;
    });
    try {
      template.executeInTransaction(it -> {
        it.send(topic + "-orders", "never");
        throw new IllegalStateException("rolled back");
      });
    } catch (IllegalStateException expected) {
      // The record before it must not be seen.
    }
    check(paid.await(40, TimeUnit.SECONDS), paid.getCount() + " orders were not handed on");
    List<String> receipts = new ArrayList<>();
    Map<String, Object> settings = consumerSettings();
    settings.put("group.id", topic + "-receipts");
    try (Consumer<String, String> reader = new DefaultKafkaConsumerFactory<String, String>(settings).createConsumer()) {
      reader.subscribe(List.of(topic + "-paid"));
      long deadline = System.currentTimeMillis() + 30_000;
      while (receipts.size() < ORDERS && System.currentTimeMillis() < deadline) {
        for (ConsumerRecord<String, String> record : reader.poll(java.time.Duration.ofMillis(200))) receipts.add(record.value());
      }
    }
    check(receipts.size() == ORDERS && new HashSet<>(receipts).size() == ORDERS, "receipts: " + receipts);
    check(!tries.containsKey("never"), "an aborted record was seen");
    return ORDERS + " handed on by transactions, one of them at its second try";
  }

  static long committed() throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers))) {
      Map<TopicPartition, OffsetAndMetadata> offsets =
          admin.listConsumerGroupOffsets(topic + "-group").partitionsToOffsetAndMetadata().get();
      long total = offsets.values().stream().mapToLong(OffsetAndMetadata::offset).sum();
      check(total == RECORDS, "committed " + total + " of " + RECORDS);
      return total;
    }
  }

  @KafkaListener(topics = "#{T(SpringClient).topic()}", groupId = "#{T(SpringClient).topic()}-group", concurrency = "3")
  void handle(ConsumerRecord<String, String> record, Acknowledgment acknowledgment) {
    threads.add((int) Thread.currentThread().getId());
    if (seen.add(record.value())) all.countDown();
    acknowledgment.acknowledge();
  }

  /** Reads, hands on and commits in one transaction; the first try of one order is rolled back. */
  @KafkaListener(topics = "#{T(SpringClient).topic()}-orders", groupId = "#{T(SpringClient).topic()}-till",
      containerFactory = "transactionalListeners")
  @SendTo("#{T(SpringClient).topic()}-paid")
  String pay(String order) {
    if (tries.merge(order, 1, Integer::sum) == 1 && order.equals("order-7")) throw new IllegalStateException("once more");
    paid.countDown();
    return "receipt of " + order;
  }

  public static String topic() {
    return topic;
  }

  @Bean
  KafkaAdmin admin() {
    return new KafkaAdmin(Map.of("bootstrap.servers", servers));
  }

  @Bean
  KafkaAdmin.NewTopics topics() {
    return new KafkaAdmin.NewTopics(new NewTopic(topic, PARTITIONS, (short) 1),
        new NewTopic(topic + "-orders", 1, (short) 1), new NewTopic(topic + "-paid", 1, (short) 1));
  }

  static Map<String, Object> producerSettings() {
    return new HashMap<>(Map.of("bootstrap.servers", servers, "key.serializer", StringSerializer.class,
        "value.serializer", StringSerializer.class, "linger.ms", 5));
  }

  static Map<String, Object> consumerSettings() {
    return new HashMap<>(Map.of("bootstrap.servers", servers, "key.deserializer", StringDeserializer.class,
        "value.deserializer", StringDeserializer.class, "auto.offset.reset", "earliest",
        "isolation.level", "read_committed", "enable.auto.commit", false));
  }

  @Bean
  KafkaTemplate<String, String> template() {
    return new KafkaTemplate<>(new DefaultKafkaProducerFactory<>(producerSettings()));
  }

  @Bean
  DefaultKafkaProducerFactory<String, String> transactionalProducers() {
    DefaultKafkaProducerFactory<String, String> producers = new DefaultKafkaProducerFactory<>(producerSettings());
    producers.setTransactionIdPrefix(topic + "-tx-");
    return producers;
  }

  @Bean
  KafkaTemplate<String, String> transactional() {
    return new KafkaTemplate<>(transactionalProducers());
  }

  @Bean
  ConcurrentKafkaListenerContainerFactory<String, String> kafkaListenerContainerFactory() {
    ConcurrentKafkaListenerContainerFactory<String, String> listeners = new ConcurrentKafkaListenerContainerFactory<>();
    listeners.setConsumerFactory(new DefaultKafkaConsumerFactory<>(consumerSettings()));
    listeners.getContainerProperties().setAckMode(AckMode.MANUAL);
    return listeners;
  }

  @Bean
  ConcurrentKafkaListenerContainerFactory<String, String> transactionalListeners() {
    ConcurrentKafkaListenerContainerFactory<String, String> listeners = new ConcurrentKafkaListenerContainerFactory<>();
    listeners.setConsumerFactory(new DefaultKafkaConsumerFactory<>(consumerSettings()));
    listeners.getContainerProperties().setKafkaAwareTransactionManager(new KafkaTransactionManager<>(transactionalProducers()));
    listeners.setReplyTemplate(transactional());
    return listeners;
  }

  static void check(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }
}
