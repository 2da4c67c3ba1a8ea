import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.StringSerializer;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaTemplate;

/** Spring's KafkaTemplate: each line on the input is a number of sends to make without waiting; answers in ms. */
public class SpringSend {
  public static void main(String[] args) throws Exception {
    Map<String, Object> configs = new HashMap<>();
    configs.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    configs.put(ProducerConfig.ACKS_CONFIG, "all");
    configs.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class);
    configs.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, StringSerializer.class);
    DefaultKafkaProducerFactory<String, String> factory = new DefaultKafkaProducerFactory<>(configs);
    KafkaTemplate<String, String> template = new KafkaTemplate<>(factory);
    String topic = args[1];
    String value = "x".repeat(Integer.parseInt(args[2]));
    template.send(topic, "first", value).get();
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      int count = Integer.parseInt(line);
      long started = System.nanoTime();
      List<CompletableFuture<?>> sent = new ArrayList<>(count);
      for (int i = 0; i < count; i++) sent.add(template.send(topic, "key-" + i % 1000, value));
      CompletableFuture.allOf(sent.toArray(new CompletableFuture[0])).get();
      System.out.println((System.nanoTime() - started) / 1e6);
    }
    factory.destroy();
  }
}
