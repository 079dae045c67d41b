package example;

import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Sends events to the ledger's topic, signed, one after the other. For one thread. */
final class LedgerProducer implements AutoCloseable {
    private final String topic;
    private final String registry;
    private final LedgerSigner signer;
    private final KafkaProducer<String, byte[]> kafka;
    private final Map<String, LedgerSchema> schemas = new HashMap<>();

    LedgerProducer(Properties config) throws Exception {
        topic = config.getProperty("ledger.topic");
        registry = config.getProperty("ledger.registry");
        signer = LedgerSigner.from(config);
        kafka = new KafkaProducer<>(config, new StringSerializer(), new ByteArraySerializer());
    }

    /** The schema of a type of event, such as CaseReported. */
    Schema schema(String type) throws Exception {
        return known(type).avro();
    }

    /** Returns when all in-sync replicas have the event. */
    RecordMetadata emit(GenericRecord event) throws Exception {
        GenericRecord meta = (GenericRecord) event.get("meta");
        LedgerSchema schema = known(event.getSchema().getName());
        // The key is the subject: Kafka's own client finds the partition that the ledger wants.
        String subject = meta.get("subject").toString();
        var record = new ProducerRecord<>(topic, subject, frameAndBody(schema, event));
        cloudEvent(event.getSchema(), meta)
                .forEach((name, text) -> record.headers().add(name, text.getBytes(StandardCharsets.UTF_8)));
        signer.sign(record, schema.sha256());
        return kafka.send(record).get();
    }

    @Override
    public void close() {
        kafka.close();
    }

    private LedgerSchema known(String type) throws Exception {
        LedgerSchema found = schemas.get(type);
        if (found == null) {
            found = LedgerSchema.newest(registry, topic, "runut.events." + type);
            schemas.put(type, found);
        }
        return found;
    }

    /** Byte 0, the schema's id in four bytes, the Avro body. */
    private byte[] frameAndBody(LedgerSchema schema, GenericRecord event) {
        try (var serializer = new AvroKafkaSerializer<GenericRecord>()) {
            serializer.configure(schema.serializer(), false);
            return serializer.serialize(topic, event);
        }
    }

    /** CloudEvents 1.0, Kafka binary mode: may be left out, but must not say otherwise. */
    private static Map<String, String> cloudEvent(Schema schema, GenericRecord meta) {
        Instant occurredAt = Instant.EPOCH.plus((Long) meta.get("occurred_at"), ChronoUnit.MICROS);
        return Map.of(
                "ce_specversion", "1.0",
                "ce_id", meta.get("event_id").toString(),
                "ce_type", schema.getFullName(),
                "ce_source", "/agencies/" + meta.get("agency"),
                "ce_subject", meta.get("subject").toString(),
                "ce_time", occurredAt.toString(),
                "content-type", "application/avro");
    }
}
