package example;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData.EnumSymbol;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;

/** Emits events of any type from their JSON form, one a line: EmitLines CONFIGURATION FILE. */
public final class EmitLines {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        int count = 0;
        try (LedgerProducer ledger = new LedgerProducer(Configuration.read(arguments[0]))) {
            for (String line : Files.readAllLines(Path.of(arguments[1]))) {
                JsonNode event = JSON.readTree(line);
                ledger.emit(avro(ledger.schema(event.get("type").textValue()), event));
                count++;
            }
        }
        System.out.printf("%d events are recorded%n", count);
    }

    /** In the JSON form the meta fields stand beside the payload, and event_id may be left out. */
    private static GenericRecord avro(Schema schema, JsonNode event) throws IOException {
        ObjectNode fields = event.get("data").deepCopy();
        ObjectNode meta = event.deepCopy();
        if (!meta.has("event_id")) {
            meta.put("event_id", UUID.randomUUID().toString());
        }
        fields.set("meta", meta);
        return record(schema, fields);
    }

    private static GenericRecord record(Schema schema, JsonNode fields) throws IOException {
        GenericRecordBuilder record = new GenericRecordBuilder(schema);
        for (Schema.Field field : schema.getFields()) {
            if (fields.has(field.name())) {
                record.set(field, value(field.schema(), fields.get(field.name())));
            }
        }
        return record.build();
    }

    private static Object value(Schema schema, JsonNode node) throws IOException {
        return switch (schema.getType()) {
            // Every union of the ledger is of null and one more type.
            case UNION -> node.isNull() ? null : value(schema.getTypes().get(1), node);
            case RECORD -> record(schema, node);
            case ENUM -> new EnumSymbol(schema, node.textValue());
            case ARRAY -> list(schema.getElementType(), node);
            case LONG -> isTime(schema) ? micros(node.textValue()) : node.longValue();
            case INT -> isDate(schema) ? days(node.textValue()) : node.intValue();
            case BYTES -> isAmount(schema) ? cents(node.textValue()) : ByteBuffer.wrap(node.binaryValue());
            case BOOLEAN -> node.booleanValue();
            default -> node.textValue();
        };
    }

    private static List<Object> list(Schema items, JsonNode nodes) throws IOException {
        List<Object> found = new ArrayList<>();
        for (JsonNode node : nodes) {
            found.add(value(items, node));
        }
        return found;
    }

    private static boolean isTime(Schema schema) {
        return schema.getLogicalType() instanceof LogicalTypes.TimestampMicros;
    }

    private static boolean isDate(Schema schema) {
        return schema.getLogicalType() instanceof LogicalTypes.Date;
    }

    private static boolean isAmount(Schema schema) {
        return schema.getLogicalType() instanceof LogicalTypes.Decimal;
    }

    private static long micros(String time) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, OffsetDateTime.parse(time).toInstant());
    }

    private static int days(String date) {
        return Math.toIntExact(LocalDate.parse(date).toEpochDay());
    }

    private static ByteBuffer cents(String amount) {
        return ByteBuffer.wrap(new BigDecimal(amount).setScale(2).unscaledValue().toByteArray());
    }

    private EmitLines() {}
}
