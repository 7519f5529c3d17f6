import java.time.Duration;
import java.util.*;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.serialization.*;

/**
 * `KafkaBench <bootstrap> <seconds> [part ...]`: what a broker does for Kafka's own client, as one line of JSON. Each
 * measure takes about so many seconds; `records` is how many were sent in all. Parts: `produce`, `consume` (and what is consumed is produced), `paced`, `tail`; all
 * of them where none is given. `100`, `1000`, `acks=1` and `acks=all` leave the other measures out.
 */
class KafkaBench {
  static final Map<String, Double> measured = new LinkedHashMap<>();
  static long records = 0;
  static String bootstrap;
  static List<String> asked;

  public static void main(String[] arguments) throws Exception {
    bootstrap = arguments[0];
    double seconds = Double.parseDouble(arguments[1]);
    asked = List.of(arguments).subList(2, arguments.length);
    List<String> sizes = chosen("100", "1000"), levels = chosen("acks=1", "acks=all");
    List<String> parts = chosen("produce", "consume", "paced", "tail");
    var topics = List.of("b100.1", "b100.all", "b1000.1", "b1000.all", "warm", "paced", "tail.1", "tail.all");
    try (Admin admin = Admin.create(settings())) {
      var made = topics.stream().map(name -> new NewTopic(name, name.startsWith("b") ? 4 : 1, (short) 1)).toList();
      admin.createTopics(made).all().get();
    } catch (ExecutionException error) {
      // A broker that only answers makes no topics: it has them all.
      if (!(error.getCause() instanceof UnsupportedVersionException)) throw error;
    }
    for (String size : sizes)
      for (String level : levels) produce("warm", Integer.parseInt(size), level.substring(5), seconds / 2);
    for (String size : sizes)
      for (String level : levels) {
        String acks = level.substring(5), name = "b" + size + "." + acks;
        boolean isConsumed = acks.equals("1") && parts.contains("consume");
        if (!isConsumed && !parts.contains("produce")) continue;
        long count = produce(name, Integer.parseInt(size), acks, seconds);
        if (isConsumed) consume(name, size, count);
      }
    if (parts.contains("paced")) paced("paced", 50_000, 1000, seconds);
    if (parts.contains("tail"))
      for (String level : levels) tail("tail." + level.substring(5), level.substring(5), seconds);
    measured.put("records", (double) records);
    var text = new StringJoiner(",", "{", "}");
    measured.forEach((name, value) -> text.add("\"" + name + "\":" + value));
    System.out.println(text);
    System.exit(0);
  }

  /** Those that were asked for: all where none was. */
  static List<String> chosen(String... all) {
    var some = Arrays.stream(all).filter(asked::contains).toList();
    return some.isEmpty() ? List.of(all) : some;
  }

  static Properties settings() {
    var settings = new Properties();
    settings.put("bootstrap.servers", bootstrap);
    return settings;
  }

  static KafkaProducer<byte[], byte[]> producer(String acks, int batchBytes, int lingerMs) {
    var settings = settings();
    settings.put("acks", acks);
    settings.put("enable.idempotence", acks.equals("all"));
    settings.put("batch.size", batchBytes);
    settings.put("linger.ms", lingerMs);
    settings.put("buffer.memory", 64 * 1024 * 1024);
    return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
  }

  static KafkaConsumer<byte[], byte[]> consumer(String topic) {
    var settings = settings();
    settings.put("max.partition.fetch.bytes", 8 * 1024 * 1024);
    settings.put("fetch.max.wait.ms", 100);
    settings.put("max.poll.records", 10_000);
    var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    var all = consumer.partitionsFor(topic).stream().map(each -> new TopicPartition(topic, each.partition())).toList();
    consumer.assign(all);
    consumer.seekToBeginning(all);
    return consumer;
  }

  /** Values that compress as events do. */
  static byte[][] values(int size) {
    byte[][] values = new byte[10_000][];
    for (int i = 0; i < values.length; i++) {
      String event = "{\"id\":" + i + ",\"origin\":\"ATL\",\"delay\":" + (i * 7919) % 240 + ",\"carrier\":\"AA\"";
      values[i] = Arrays.copyOf((event + " ".repeat(size)).getBytes(), size);
      values[i][size - 1] = '}';
    }
    return values;
  }

  /** As many as go in the time, as fast as they go; answers with how many. */
  static long produce(String topic, int size, String acks, double seconds) throws Exception {
    byte[][] values = values(size);
    var failure = new AtomicReference<Exception>();
    long count = 0;
    try (var producer = producer(acks, 128 * 1024, 5)) {
      producer.partitionsFor(topic);
      long began = System.nanoTime();
      long end = began + (long) (seconds * 1e9);
      while ((count & 255) != 0 || System.nanoTime() < end) {
        producer.send(new ProducerRecord<>(topic, values[(int) (count % values.length)]), (done, error) -> {
          if (error != null) failure.compareAndSet(null, error);
        });
        count++;
      }
      producer.flush();
      if (failure.get() != null) throw failure.get();
      if (!topic.equals("warm"))
        measured.put(topic + ".produced/s", count / ((System.nanoTime() - began) / 1e9));
    }
    records += count;
    return count;
  }

  static void consume(String topic, String size, long count) {
    try (var consumer = consumer(topic)) {
      long read = consumer.poll(Duration.ofSeconds(10)).count();
      long first = read;
      long began = System.nanoTime();
      while (read < count) read += consumer.poll(Duration.ofSeconds(10)).count();
      measured.put("b" + size + ".consumed/s", (read - first) / ((System.nanoTime() - began) / 1e9));
    }
  }

  static void latencies(String name, long[] nanos, int from, int to) {
    long[] sorted = Arrays.copyOfRange(nanos, from, to);
    Arrays.sort(sorted);
    measured.put(name + ".p50.ms", sorted[sorted.length / 2] / 1e6);
    measured.put(name + ".p99.ms", sorted[(int) (sorted.length * 0.99)] / 1e6);
  }

  /** From `send` to its acknowledgement, at a steady rate. The first fifth is to warm up. */
  static void paced(String topic, int rate, int size, double seconds) throws Exception {
    byte[][] values = values(size);
    int count = (int) (rate * seconds * 2);
    long[] nanos = new long[count];
    var left = new Semaphore(0);
    try (var producer = producer("1", 128 * 1024, 0)) {
      long began = System.nanoTime();
      for (int i = 0; i < count; i++) {
        long due = began + (long) (i * 1e9 / rate);
        while (System.nanoTime() < due) LockSupport.parkNanos(200_000);
        int at = i;
        long sent = System.nanoTime();
        producer.send(new ProducerRecord<>(topic, values[i % values.length]), (done, error) -> {
          nanos[at] = error == null ? System.nanoTime() - sent : Long.MAX_VALUE;
          left.release();
        });
      }
      producer.flush();
      left.acquire(count);
      records += count;
      measured.put("paced.produced/s", count / ((System.nanoTime() - began) / 1e9));
    }
    latencies("paced", nanos, count / 5, count);
  }

  /** From `send` to a consumer that follows, 1,000 a second. */
  static void tail(String topic, String acks, double seconds) throws Exception {
    int count = (int) (1_000 * seconds);
    long[] sent = new long[count];
    long[] nanos = new long[count];
    var follower = new Thread(() -> {
      try (var consumer = consumer(topic)) {
        for (int read = 0; read < count; )
          for (var record : consumer.poll(Duration.ofSeconds(10))) nanos[read] = System.nanoTime() - sent[read++];
      }
    });
    follower.start();
    try (var producer = producer(acks, 16 * 1024, 0)) {
      long began = System.nanoTime();
      for (int i = 0; i < count; i++) {
        long due = began + i * 1_000_000L;
        while (System.nanoTime() < due) LockSupport.parkNanos(200_000);
        sent[i] = System.nanoTime();
        producer.send(new ProducerRecord<>(topic, new byte[100]));
      }
    }
    follower.join();
    records += count;
    latencies(topic, nanos, count / 5, count);
  }
}
