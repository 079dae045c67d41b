package example;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Properties;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData.EnumSymbol;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;

/** Reports one case: EmitCase CONFIGURATION AGENCY SUBJECT. */
public final class EmitCase {
    public static void main(String[] arguments) throws Exception {
        Properties config = Configuration.read(arguments[0]);
        try (LedgerProducer ledger = new LedgerProducer(config)) {
            Schema schema = ledger.schema("CaseReported");
            var stored = ledger.emit(caseReported(schema, arguments[1], arguments[2]));
            System.out.printf("%s is recorded in partition %d%n", arguments[2], stored.partition());
        }
    }

    /** The event; a field that has a default takes it where it is not set. */
    private static GenericRecord caseReported(Schema schema, String agency, String subject) {
        GenericRecord meta = new GenericRecordBuilder(schema.getField("meta").schema())
                // Keep it with your data: the same id sent again is the same event.
                .set("event_id", UUID.randomUUID().toString())
                .set("subject", subject)
                .set("agency", agency)
                .set("occurred_at", ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now()))
                .build();
        return new GenericRecordBuilder(schema)
                .set("meta", meta)
                .set("category", symbol(schema, "category", "UNPAID_WAGES"))
                .set("urgency", symbol(schema, "urgency", "URGENT"))
                .set("phase", symbol(schema, "phase", "DURING"))
                .set("country", "MY")
                .set("intake", symbol(schema, "intake", "HOTLINE"))
                .set("relation", symbol(schema, "relation", "WORKER"))
                .set("sector", symbol(schema, "sector", "INFORMAL"))
                .set("placement", symbol(schema, "placement", "PROCEDURAL"))
                .set("summary", "Three months of wages are not paid.")
                .build();
    }

    private static EnumSymbol symbol(Schema schema, String field, String name) {
        return new EnumSymbol(schema.getField(field).schema(), name);
    }

    private EmitCase() {}
}
