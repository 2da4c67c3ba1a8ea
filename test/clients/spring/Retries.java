import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.serialization.*;
import org.springframework.context.annotation.*;
import org.springframework.kafka.annotation.*;
import org.springframework.kafka.config.*;
import org.springframework.kafka.core.*;
import org.springframework.kafka.retrytopic.*;
import org.springframework.kafka.support.KafkaHeaders;
import org.springframework.messaging.handler.annotation.Header;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;

/** A Spring application with retry topics: topic "theirs" fails here, what failed elsewhere in "ours" is retried here. */
@Configuration
@EnableKafkaRetryTopic
public class Retries {
  static String servers, theirs, ours;

  public static void main(String[] args) throws Exception {
    servers = args[0];
    theirs = args[1];
    ours = args[2];
    System.setProperty("theirs", theirs);
    System.setProperty("ours", ours);
    new AnnotationConfigApplicationContext(Retries.class);
    say("ready");
    while (System.in.read() >= 0) {}
    System.exit(0);
  }

  static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  @Bean
  ProducerFactory<String, String> producers() {
    return new DefaultKafkaProducerFactory<>(Map.of("bootstrap.servers", servers), new StringSerializer(), new StringSerializer());
  }

  @Bean
  KafkaTemplate<String, String> kafkaTemplate(ProducerFactory<String, String> producers) {
    return new KafkaTemplate<>(producers);
  }

  @Bean
  ConcurrentKafkaListenerContainerFactory<String, String> kafkaListenerContainerFactory() {
    var factory = new ConcurrentKafkaListenerContainerFactory<String, String>();
    factory.setConsumerFactory(new DefaultKafkaConsumerFactory<>(
        Map.of("bootstrap.servers", servers, "auto.offset.reset", "earliest"), new StringDeserializer(), new StringDeserializer()));
    return factory;
  }

  @Bean
  ThreadPoolTaskScheduler taskScheduler() {
    return new ThreadPoolTaskScheduler();
  }

  @Bean
  Fails fails() {
    return new Fails();
  }

  @Bean
  Takes takes() {
    return new Takes();
  }

  static class Fails {
    @RetryableTopic(attempts = "2", backOff = @BackOff(delay = 400), autoCreateTopics = "false")
    @KafkaListener(id = "spring-fails", topics = "#{systemProperties['theirs']}")
    void handle(String value) {
      throw new IllegalStateException("spring says no to " + value);
    }

    @DltHandler
    void letter(String value) {
      say("spring-dead-letter " + value);
    }
  }

  static class Takes {
    @RetryableTopic(attempts = "2", backOff = @BackOff(delay = 400), autoCreateTopics = "false")
    @KafkaListener(id = "spring-takes", topics = "#{systemProperties['ours']}")
    void handle(ConsumerRecord<String, String> record, @Header(name = RetryTopicHeaders.DEFAULT_HEADER_ATTEMPTS, required = false) Integer attempts) {
      if (attempts == null) return;
      long due = new BigInteger(record.headers().lastHeader(RetryTopicHeaders.DEFAULT_HEADER_BACKOFF_TIMESTAMP).value()).longValue();
      say("spring-retried " + record.value() + " attempt " + attempts + " partition " + record.partition() + (System.currentTimeMillis() < due ? " EARLY" : " in time"));
    }

    @DltHandler
    void letter(ConsumerRecord<String, String> record,
        @Header(KafkaHeaders.ORIGINAL_TOPIC) String topic,
        @Header(KafkaHeaders.ORIGINAL_PARTITION) Integer partition,
        @Header(KafkaHeaders.ORIGINAL_OFFSET) Long offset,
        @Header(KafkaHeaders.ORIGINAL_TIMESTAMP_TYPE) String type,
        @Header(KafkaHeaders.EXCEPTION_FQCN) String name,
        @Header(KafkaHeaders.EXCEPTION_MESSAGE) String message) {
      String group = new String(record.headers().lastHeader(KafkaHeaders.ORIGINAL_CONSUMER_GROUP).value());
      say("spring-letter " + topic + "-" + partition + "@" + offset + " " + type + " " + group + " " + name + ": " + message);
    }
  }
}
