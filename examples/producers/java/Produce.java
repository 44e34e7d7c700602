import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

import static java.nio.charset.StandardCharsets.UTF_8;

/**
 * Publishes one order receipt to Fanfare: Kafka's client, Avro, and nothing of Fanfare's but its schema.
 *
 *   mvn dependency:copy-dependencies -DoutputDirectory=libraries
 *   java -Dfile.encoding=UTF-8 -cp 'libraries/*' Produce.java \
 *     notification-requested.avsc <notificationId> <userId> <createdAt, Unix ms>
 *
 * The last three come from where the order was stored, never from this moment: so a second run writes the same bytes.
 */
public final class Produce {
  static final ObjectMapper JSON = new ObjectMapper();
  static final String BROKERS = System.getenv().getOrDefault("KAFKA_BROKERS", "localhost:9092");
  static final String REGISTRY = System.getenv().getOrDefault("REGISTRY_URL", "http://localhost:8081");
  static final String TOPIC = System.getenv().getOrDefault("TOPIC", "notifications.requested.transactional");

  public static void main(String[] arguments) throws Exception {
    // A copy of the schema belongs to the program, which names the fields that it has.
    var schemaText = JSON.readTree(Files.readString(Path.of(arguments[0]))).toString();
    var userId = Long.parseLong(arguments[2]);
    var event = orderReceipt(new Schema.Parser().parse(schemaText), arguments[1], userId, Long.parseLong(arguments[3]));
    var value = encode(event, schemaId(schemaText));

    // Not a LongSerializer: the key is the number's decimal digits.
    var key = Long.toString(userId).getBytes(UTF_8);
    var settings = Map.<String, Object>of("bootstrap.servers", BROKERS, "client.id", "shop", "acks", "all");
    try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      var stored = producer.send(new ProducerRecord<>(TOPIC, key, value)).get();
      // Only now is the event accepted.
      System.out.println(TOPIC + " partition " + stored.partition() + " offset " + stored.offset());
    }
  }

  static GenericRecord orderReceipt(Schema schema, String notificationId, long userId, long createdAt) {
    // LinkedHashMap, for the order of the entries is a part of the bytes: Map.of has another one in every process.
    var data = new LinkedHashMap<String, Object>();
    data.put("order_id", "A-7F31C2");
    data.put("customer_name", "Ada");
    data.put("lines", List.of(line("Umbrella", 1, "€24.00", null), line("Trail shoes", 2, "€178.00", "38 and 44")));
    data.put("total", "€202.00");
    // What is left out has its default: template, locale, channels, sendAt, expiresAt, collapseKey.
    return new GenericRecordBuilder(schema)
        .set("notificationId", notificationId)
        .set("source", "shop")
        .set("userId", userId)
        .set("category", "order-receipt")
        .set("data", data)
        .set("createdAt", createdAt)
        .build();
  }

  /** The quantity is a double, since data has no integers: Avro refuses an Integer. */
  static Map<String, Object> line(String name, double quantity, String price, String note) {
    var line = new LinkedHashMap<String, Object>();
    line.put("name", name);
    line.put("quantity", quantity);
    line.put("price", price);
    line.put("note", note);
    return line;
  }

  /** A zero, the schema's id in four bytes, most significant first, and the Avro body. */
  static byte[] encode(GenericRecord event, int schemaId) throws IOException {
    var bytes = new ByteArrayOutputStream();
    bytes.write(0);
    bytes.write(ByteBuffer.allocate(4).putInt(schemaId).array());
    var encoder = EncoderFactory.get().binaryEncoder(bytes, null);
    new GenericDatumWriter<GenericRecord>(event.getSchema()).write(event, encoder);
    encoder.flush();
    return bytes.toByteArray();
  }

  /** Asks for the id; never registers. A long-lived producer asks once. */
  static int schemaId(String schemaText) throws IOException, InterruptedException {
    var subject = URLEncoder.encode(TOPIC + "-fanfare.v1.NotificationRequested", UTF_8);
    var request = HttpRequest.newBuilder(URI.create(REGISTRY + "/subjects/" + subject))
        .header("content-type", "application/vnd.schemaregistry.v1+json")
        .timeout(Duration.ofSeconds(5))
        .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(Map.of("schema", schemaText))))
        .build();
    var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200)
      throw new IOException("the registry answers " + answer.statusCode() + " for " + subject);
    return JSON.readTree(answer.body()).get("id").intValue();
  }
}
