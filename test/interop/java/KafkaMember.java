import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** `KafkaMember <bootstrap> <group> <topic>`: consumes in a group, and prints what it gets and is assigned. */
class KafkaMember {
  public static void main(String[] arguments) throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", arguments[0]);
    settings.put("group.id", arguments[1]);
    settings.put("auto.offset.reset", "earliest");
    settings.put("session.timeout.ms", "6000");
    settings.put("heartbeat.interval.ms", "300");
    settings.put("auto.commit.interval.ms", "100");
    var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    Thread main = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      consumer.wakeup();
      try {
        main.join();
      } catch (InterruptedException error) {
        throw new RuntimeException(error);
      }
    }));
    consumer.subscribe(List.of(arguments[2]), new ConsumerRebalanceListener() {
      public void onPartitionsRevoked(Collection<TopicPartition> gone) {}

      public void onPartitionsAssigned(Collection<TopicPartition> fresh) {
        System.out.println("assigned " + consumer.assignment().stream()
            .map(each -> "" + each.partition()).sorted().collect(Collectors.joining(",")));
      }
    });
    try {
      while (true)
        for (var record : consumer.poll(Duration.ofMillis(100)))
          System.out.println("record " + record.partition() + "/" + record.offset());
    } catch (WakeupException stopped) {
      consumer.close();
    }
  }
}
