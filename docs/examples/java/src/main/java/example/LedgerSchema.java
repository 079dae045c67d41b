package example;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.MessageDigest;
import java.util.Map;
import org.apache.avro.Schema;

/**
 * The newest schema of one type of event, as the registry has it.
 *
 * @param sha256 its identity in the ledger: the hash of its text with keys sorted and no spaces
 * @param serializer has Apicurio's serializer write Confluent's frame, with the id of this schema
 */
record LedgerSchema(Schema avro, byte[] sha256, Map<String, Object> serializer) {
    private static final ObjectMapper JSON =
            new ObjectMapper().enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);

    static LedgerSchema newest(String registry, String topic, String type) throws Exception {
        String subject = topic + "-" + type;
        JsonNode found = get(registry + "/apis/ccompat/v7/subjects/" + subject + "/versions/latest");
        String text = found.get("schema").textValue();
        byte[] canonical = JSON.writeValueAsBytes(JSON.readValue(text, Map.class));
        byte[] sha256 = MessageDigest.getInstance("SHA-256").digest(canonical);
        Map<String, Object> serializer = Map.of(
                "apicurio.registry.url", registry + "/apis/registry/v2",
                "apicurio.registry.artifact.group-id", "default",
                "apicurio.registry.artifact.artifact-id", subject,
                "apicurio.registry.artifact.version", found.get("version").asText(),
                "apicurio.registry.use-id", "contentId",
                "apicurio.registry.as-confluent", true);
        return new LedgerSchema(new Schema.Parser().parse(text), sha256, serializer);
    }

    private static JsonNode get(String address) throws Exception {
        HttpRequest question = HttpRequest.newBuilder(URI.create(address)).build();
        var answer = HttpClient.newHttpClient().send(question, BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IllegalStateException(address + ": expected a schema, found " + answer.body());
        }
        return JSON.readTree(answer.body());
    }
}
