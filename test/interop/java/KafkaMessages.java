import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.util.*;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.*;

/** The messages of Kafka's Java client, for ../engine.ts. Bytes are hexadecimal. */
class KafkaMessages {
  static final ObjectMapper json = new ObjectMapper();
  static final HexFormat hex = HexFormat.of();

  public static void main(String[] none) throws Exception {
    PrintStream answers = System.out;
    System.setOut(System.err);
    answers.println(json.writeValueAsString(Map.of("ready", List.of("rewrite"))));
    BufferedReader calls = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    for (String line; (line = calls.readLine()) != null; ) {
      Map<String, Object> answer = new HashMap<>();
      try {
        List<Object> written = new ArrayList<>();
        for (JsonNode one : json.readTree(line).get("arguments").get("messages")) written.add(rewrite(one));
        answer.put("result", written);
      } catch (Throwable error) {
        answer.put("error", error.toString());
      }
      answers.println(json.writeValueAsString(answer));
    }
    System.exit(0);
  }

  /** What is read of a message's bytes, written again; null where this client does not know the version. */
  static String rewrite(JsonNode message) {
    ApiMessageType type = ApiMessageType.fromApiKey((short) message.get("key").asInt());
    short version = (short) message.get("version").asInt();
    if (version < type.lowestSupportedVersion() || version > type.highestSupportedVersion(true)) return null;
    ApiMessage read = message.get("kind").asText().equals("request") ? type.newRequest() : type.newResponse();
    ByteBuffer bytes = ByteBuffer.wrap(hex.parseHex(message.get("bytes").asText()));
    try {
      read.read(new ByteBufferAccessor(bytes), version);
      ObjectSerializationCache cache = new ObjectSerializationCache();
      ByteBufferAccessor to = new ByteBufferAccessor(ByteBuffer.allocate(read.size(cache, version)));
      read.write(to, cache, version);
      return hex.formatHex(to.buffer().array()) + (bytes.hasRemaining() ? " and " + bytes.remaining() + " bytes left" : "");
    } catch (RuntimeException error) {
      return type + " " + version + ": " + error;
    }
  }
}
