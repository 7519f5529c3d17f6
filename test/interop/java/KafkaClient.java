import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.serialization.*;

/** Kafka's Java client, for ../engine.ts: one JSON call a line, one JSON answer a line. Bytes are hexadecimal. */
class KafkaClient {
  interface Function {
    Object call(JsonNode arguments) throws Exception;
  }

  static final ObjectMapper json = new ObjectMapper();
  static final Map<String, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();
  static final Map<String, KafkaConsumer<byte[], byte[]>> consumers = new HashMap<>();
  static final Map<String, Function> functions = new TreeMap<>();

  public static void main(String[] none) throws Exception {
    // Whatever the client prints goes to standard error: answers have the real standard output for themselves.
    PrintStream answers = System.out;
    System.setOut(System.err);
    functions.put("produce", KafkaClient::produce);
    functions.put("produceMany", KafkaClient::produceMany);
    functions.put("consume", KafkaClient::consume);
    functions.put("openProducer", KafkaClient::openProducer);
    functions.put("transaction", KafkaClient::transaction);
    functions.put("closeProducer", a -> closed(producers.remove(a.get("name").asText())));
    functions.put("openConsumer", KafkaClient::openConsumer);
    functions.put("poll", KafkaClient::poll);
    functions.put("control", KafkaClient::control);
    functions.put("closeConsumer", a -> closed(consumers.remove(a.get("name").asText())));
    functions.put("admin", KafkaClient::admin);
    answers.println(json.writeValueAsString(Map.of("ready", functions.keySet())));
    BufferedReader calls = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    for (String line; (line = calls.readLine()) != null; ) {
      Map<String, Object> answer = new HashMap<>();
      try {
        JsonNode call = json.readTree(line);
        answer.put("result", functions.get(call.get("function").asText()).call(call.get("arguments")));
      } catch (Throwable error) {
        Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
        answer.put("error", cause.getClass().getSimpleName() + ": " + cause.getMessage());
      }
      answers.println(json.writeValueAsString(answer));
    }
    System.exit(0);
  }

  static Object closed(AutoCloseable client) throws Exception {
    client.close();
    return null;
  }

  static Properties settings(JsonNode arguments) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", arguments.get("bootstrap").asText());
    JsonNode more = arguments.path("settings");
    more.fieldNames().forEachRemaining(name -> settings.put(name, more.get(name).asText()));
    return settings;
  }

  static KafkaProducer<byte[], byte[]> producer(JsonNode arguments) {
    return new KafkaProducer<>(settings(arguments), new ByteArraySerializer(), new ByteArraySerializer());
  }

  static KafkaConsumer<byte[], byte[]> consumer(JsonNode arguments) {
    return new KafkaConsumer<>(settings(arguments), new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  static byte[] bytes(JsonNode hex) {
    return hex == null || hex.isNull() ? null : HexFormat.of().parseHex(hex.asText());
  }

  static String hex(byte[] bytes) {
    return bytes == null ? null : HexFormat.of().formatHex(bytes);
  }

  static ProducerRecord<byte[], byte[]> record(String topic, JsonNode plain) {
    Integer partition = plain.hasNonNull("partition") ? plain.get("partition").asInt() : null;
    Long timestamp = plain.hasNonNull("timestamp") ? plain.get("timestamp").asLong() : null;
    byte[] key = bytes(plain.get("key"));
    var record = new ProducerRecord<>(topic, partition, timestamp, key, bytes(plain.get("value")));
    for (JsonNode header : plain.path("headers")) record.headers().add(header.get(0).asText(), bytes(header.get(1)));
    return record;
  }

  static List<Object> send(Producer<byte[], byte[]> producer, JsonNode arguments) throws Exception {
    String topic = arguments.get("topic").asText();
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    for (JsonNode plain : arguments.get("records")) sent.add(producer.send(record(topic, plain)));
    producer.flush();
    List<Object> places = new ArrayList<>();
    for (Future<RecordMetadata> each : sent) places.add(List.of(each.get().partition(), each.get().offset()));
    return places;
  }

  static Object produce(JsonNode arguments) throws Exception {
    try (var producer = producer(arguments)) {
      return send(producer, arguments);
    }
  }

  /** `count` records with the numbers from `from` on as values, and those of `keys` as keys; waits for all. */
  static Object produceMany(JsonNode arguments) throws Exception {
    String topic = arguments.get("topic").asText();
    int from = arguments.path("from").asInt();
    int keys = arguments.path("keys").asInt(1);
    try (var producer = producer(arguments)) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (int i = from; i < from + arguments.get("count").asInt(); i++)
        sent.add(producer.send(new ProducerRecord<>(topic, ("" + i % keys).getBytes(), ("" + i).getBytes())));
      producer.flush();
      for (Future<RecordMetadata> each : sent) each.get();
      return sent.size();
    }
  }

  static Map<String, Object> plain(ConsumerRecord<byte[], byte[]> record) {
    List<Object> headers = new ArrayList<>();
    for (Header header : record.headers()) headers.add(Arrays.asList(header.key(), hex(header.value())));
    Map<String, Object> plain = new HashMap<>();
    plain.put("partition", record.partition());
    plain.put("offset", record.offset());
    plain.put("timestamp", record.timestamp());
    plain.put("key", hex(record.key()));
    plain.put("value", hex(record.value()));
    plain.put("headers", headers);
    return plain;
  }

  /** All partitions from the beginning to the end that it has now, as the isolation level has it. */
  static Object consume(JsonNode arguments) {
    try (var consumer = consumer(arguments)) {
      List<TopicPartition> all =
          consumer.partitionsFor(arguments.get("topic").asText()).stream()
              .map(each -> new TopicPartition(each.topic(), each.partition()))
              .toList();
      consumer.assign(all);
      consumer.seekToBeginning(all);
      Map<TopicPartition, Long> ends = consumer.endOffsets(all);
      List<Object> records = new ArrayList<>();
      while (all.stream().anyMatch(each -> consumer.position(each) < ends.get(each)))
        for (var record : consumer.poll(Duration.ofMillis(100))) records.add(plain(record));
      return records;
    }
  }

  static Object openProducer(JsonNode arguments) {
    var producer = producer(arguments);
    producers.put(arguments.get("name").asText(), producer);
    if (arguments.path("settings").has("transactional.id")) producer.initTransactions();
    return null;
  }

  /** `step` is begin, send, offsets, commit or abort. */
  static Object transaction(JsonNode arguments) throws Exception {
    var producer = producers.get(arguments.get("name").asText());
    switch (arguments.get("step").asText()) {
      case "begin" -> producer.beginTransaction();
      case "send" -> {
        return send(producer, arguments);
      }
      case "offsets" -> {
        // Of one topic, by partition.
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        arguments.get("offsets").fields().forEachRemaining(
            each ->
                offsets.put(
                    new TopicPartition(arguments.get("topic").asText(), Integer.parseInt(each.getKey())),
                    new OffsetAndMetadata(each.getValue().asLong())));
        var group =
            arguments.has("consumer")
                ? consumers.get(arguments.get("consumer").asText()).groupMetadata()
                : new ConsumerGroupMetadata(arguments.get("group").asText());
        producer.sendOffsetsToTransaction(offsets, group);
      }
      case "commit" -> producer.commitTransaction();
      case "abort" -> producer.abortTransaction();
      default -> throw new IllegalArgumentException(arguments.toString());
    }
    return null;
  }

  static Object openConsumer(JsonNode arguments) {
    var consumer = consumer(arguments);
    consumers.put(arguments.get("name").asText(), consumer);
    if (arguments.has("group")) consumer.subscribe(List.of(arguments.get("topic").asText()));
    else
      consumer.assign(
          consumer.partitionsFor(arguments.get("topic").asText()).stream()
              .map(each -> new TopicPartition(each.topic(), each.partition()))
              .toList());
    return null;
  }

  /** Polls for so long, or until there are records; answers with them and with the partitions that it has. */
  static Object poll(JsonNode arguments) {
    var consumer = consumers.get(arguments.get("name").asText());
    List<Object> records = new ArrayList<>();
    for (var record : consumer.poll(Duration.ofMillis(arguments.get("ms").asLong()))) records.add(plain(record));
    List<Integer> assigned = consumer.assignment().stream().map(TopicPartition::partition).sorted().toList();
    return Map.of("records", records, "assigned", assigned);
  }

  /** `step` is seek, pause, resume, commit, committed, positions, times or ends; of the partitions that it has. */
  static Object control(JsonNode arguments) {
    var consumer = consumers.get(arguments.get("name").asText());
    Set<TopicPartition> all = consumer.assignment();
    switch (arguments.get("step").asText()) {
      case "seek" -> all.forEach(each -> consumer.seek(each, arguments.get("offset").asLong()));
      case "pause" -> consumer.pause(all);
      case "resume" -> consumer.resume(all);
      case "commit" -> consumer.commitSync();
      case "committed" -> {
        Map<Integer, Long> offsets = new TreeMap<>();
        consumer.committed(all).forEach((each, at) -> offsets.put(each.partition(), at == null ? null : at.offset()));
        return offsets;
      }
      case "positions" -> {
        return all.stream().collect(Collectors.toMap(TopicPartition::partition, consumer::position));
      }
      case "times" -> {
        Map<Integer, Object> found = new TreeMap<>();
        long time = arguments.get("time").asLong();
        consumer
            .offsetsForTimes(all.stream().collect(Collectors.toMap(each -> each, each -> time)))
            .forEach(
                (each, at) -> found.put(each.partition(), at == null ? null : List.of(at.offset(), at.timestamp())));
        return found;
      }
      case "ends" -> {
        Map<Integer, Object> ends = new TreeMap<>();
        var starts = consumer.beginningOffsets(all);
        consumer.endOffsets(all).forEach((each, end) -> ends.put(each.partition(), List.of(starts.get(each), end)));
        return ends;
      }
      default -> throw new IllegalArgumentException(arguments.toString());
    }
    return null;
  }

  static Map<String, String> texts(JsonNode object) {
    Map<String, String> texts = new HashMap<>();
    object.fieldNames().forEachRemaining(name -> texts.put(name, object.get(name).asText()));
    return texts;
  }

  static Object admin(JsonNode arguments) throws Exception {
    try (Admin admin = Admin.create(settings(arguments))) {
      String topic = arguments.path("topic").asText();
      String group = arguments.path("group").asText();
      var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
      switch (arguments.get("step").asText()) {
        case "createTopic" -> {
          var made = new NewTopic(topic, Optional.of(arguments.path("partitions").asInt(1)), Optional.empty());
          var result = admin.createTopics(
              List.of(made.configs(texts(arguments.path("configs")))),
              new CreateTopicsOptions().validateOnly(arguments.path("validateOnly").asBoolean()));
          result.all().get();
          return result.numPartitions(topic).get();
        }
        case "createTopics" -> admin
            .createTopics(json.convertValue(arguments.get("topics"), List.class).stream()
                .map(name -> new NewTopic((String) name, 1, (short) 1)).toList())
            .all().get();
        case "setUser" -> admin
            .alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(
                arguments.get("user").asText(),
                new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, arguments.path("iterations").asInt(8192)),
                arguments.get("password").asText())))
            .all().get();
        case "deleteUser" -> admin
            .alterUserScramCredentials(List.of(
                new UserScramCredentialDeletion(arguments.get("user").asText(), ScramMechanism.SCRAM_SHA_512)))
            .all().get();
        case "users" -> {
          Map<String, Object> users = new TreeMap<>();
          admin.describeUserScramCredentials().all().get().forEach(
              (user, found) ->
                  users.put(user, found.credentialInfos().stream()
                      .map(each -> each.mechanism() + " " + each.iterations()).sorted().toList()));
          return users;
        }
        case "setQuota" -> admin
            .alterClientQuotas(List.of(new ClientQuotaAlteration(
                new ClientQuotaEntity(Map.of(arguments.get("type").asText(), arguments.get("name").asText())),
                List.of(new ClientQuotaAlteration.Op(
                    arguments.get("key").asText(),
                    arguments.has("value") ? arguments.get("value").asDouble() : null)))))
            .all().get();
        case "quotas" -> {
          Map<String, Object> quotas = new TreeMap<>();
          admin.describeClientQuotas(ClientQuotaFilter.contains(
              List.of(ClientQuotaFilterComponent.ofEntityType(arguments.get("type").asText())))).entities().get()
              .forEach((entity, values) -> quotas.put(new TreeMap<>(entity.entries()).toString(), values));
          return quotas;
        }
        case "allow" -> admin
            .createAcls(List.of(new AclBinding(
                new ResourcePattern(ResourceType.TOPIC, topic, PatternType.PREFIXED),
                new AccessControlEntry("User:" + arguments.get("user").asText(), "*", AclOperation.READ,
                    AclPermissionType.ALLOW))))
            .all().get();
        case "acls" -> {
          return admin.describeAcls(AclBindingFilter.ANY).values().get().stream().map(Object::toString).sorted().toList();
        }
        case "disallow" -> {
          var about = new ResourcePatternFilter(ResourceType.TOPIC, topic, PatternType.MATCH);
          return admin.deleteAcls(List.of(new AclBindingFilter(about, AccessControlEntryFilter.ANY)))
              .all().get().size();
        }
        case "mayWhat" -> {
          var options = new DescribeTopicsOptions().includeAuthorizedOperations(true);
          return admin.describeTopics(List.of(topic), options).allTopicNames().get().get(topic).authorizedOperations()
              .stream().map(Object::toString).sorted().toList();
        }
        case "deleteTopic" -> admin.deleteTopics(List.of(topic)).all().get();
        case "createPartitions" -> admin
            .createPartitions(Map.of(topic, NewPartitions.increaseTo(arguments.get("partitions").asInt())))
            .all().get();
        case "topics" -> {
          return new TreeSet<>(admin.listTopics().names().get());
        }
        case "partitions" -> {
          return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
        }
        case "configs" -> {
          Map<String, String> configs = new TreeMap<>();
          for (ConfigEntry entry : admin.describeConfigs(List.of(resource)).all().get().get(resource).entries())
            configs.put(entry.name(), entry.value());
          return configs;
        }
        case "alterConfigs" -> {
          List<AlterConfigOp> changes = new ArrayList<>();
          texts(arguments.get("configs")).forEach(
              (name, value) ->
                  changes.add(
                      new AlterConfigOp(
                          new ConfigEntry(name, value.isEmpty() ? null : value),
                          value.isEmpty() ? AlterConfigOp.OpType.DELETE : AlterConfigOp.OpType.SET)));
          admin.incrementalAlterConfigs(Map.of(resource, changes)).all().get();
        }
        case "deleteRecords" -> {
          var partition = new TopicPartition(topic, 0);
          var before = RecordsToDelete.beforeOffset(arguments.get("offset").asLong());
          return admin.deleteRecords(Map.of(partition, before)).lowWatermarks().get(partition).get().lowWatermark();
        }
        case "cluster" -> {
          var cluster = admin.describeCluster();
          return Map.of(
              "nodes", cluster.nodes().get().stream().map(node -> node.host() + ":" + node.port()).toList(),
              "controller", cluster.controller().get().port(),
              "id", cluster.clusterId().get());
        }
        case "groups" -> {
          return admin.listConsumerGroups().all().get().stream().map(each -> each.groupId()).sorted().toList();
        }
        case "group" -> {
          var found = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
          Map<String, Object> plain = new HashMap<>();
          plain.put("state", found.state().toString());
          plain.put("assignor", found.partitionAssignor());
          plain.put("members", found.members().stream()
              .map(each -> each.assignment().topicPartitions().stream().map(TopicPartition::partition).sorted().toList())
              .toList());
          return plain;
        }
        case "offsets" -> {
          Map<String, Long> offsets = new TreeMap<>();
          admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get()
              .forEach((each, at) -> offsets.put(each.topic() + "/" + each.partition(), at.offset()));
          return offsets;
        }
        case "alterOffsets" -> admin
            .alterConsumerGroupOffsets(
                group,
                Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(arguments.get("offset").asLong())))
            .all().get();
        case "latest" -> {
          var partition = new TopicPartition(topic, 0);
          var found = admin.listOffsets(Map.of(partition, OffsetSpec.maxTimestamp())).partitionResult(partition).get();
          return List.of(found.offset(), found.timestamp());
        }
        case "size" -> {
          int broker = admin.describeCluster().controller().get().id();
          long size = 0;
          for (var directory : admin.describeLogDirs(List.of(broker)).allDescriptions().get().get(broker).values())
            for (var each : directory.replicaInfos().entrySet())
              if (each.getKey().topic().equals(topic)) size += each.getValue().size();
          return size;
        }
        case "synonyms" -> {
          var options = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
          var entry = admin.describeConfigs(List.of(resource), options).all().get().get(resource).get("retention.ms");
          return Map.of(
              "type", entry.type().toString(),
              "source", entry.source().toString(),
              "first", entry.synonyms().get(0).value(),
              "isDocumented", entry.documentation() != null && !entry.documentation().isEmpty());
        }
        case "transactions" -> {
          Map<String, Object> found = new TreeMap<>();
          for (var each : admin.listTransactions().all().get()) {
            var described = admin.describeTransactions(List.of(each.transactionalId())).all().get();
            var one = described.get(each.transactionalId());
            found.put(each.transactionalId(), List.of(one.state().toString(), one.topicPartitions().size()));
          }
          return found;
        }
        case "producers" -> {
          var partition = new TopicPartition(topic, 0);
          return admin.describeProducers(List.of(partition)).partitionResult(partition).get().activeProducers().stream()
              .map(each -> each.currentTransactionStartOffset().orElse(-1))
              .toList();
        }
        case "fence" -> admin.fenceProducers(List.of(arguments.get("transactional").asText())).all().get();
        case "deleteOffsets" -> admin
            .deleteConsumerGroupOffsets(group, Set.of(new TopicPartition(topic, 0)))
            .all().get();
        case "deleteGroup" -> admin.deleteConsumerGroups(List.of(group)).all().get();
        default -> throw new IllegalArgumentException(arguments.toString());
      }
      return null;
    }
  }
}
