package example;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/** A properties file: those of a Kafka producer, and under "ledger." what the ledger needs. */
final class Configuration {
    static Properties read(String file) throws IOException {
        Properties config = new Properties();
        try (Reader reader = Files.newBufferedReader(Path.of(file))) {
            config.load(reader);
        }
        return config;
    }

    private Configuration() {}
}
