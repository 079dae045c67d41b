package example;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Properties;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Signs records of one ledger with an agency's Ed25519 key: docs/design/integrity.md, section 1. */
final class LedgerSigner {
    private static final int FRAME = 5;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final byte[] ledgerId;
    private final String keyId;
    private final PrivateKey key;

    LedgerSigner(byte[] ledgerId, String keyId, PrivateKey key) {
        this.ledgerId = ledgerId;
        this.keyId = keyId;
        this.key = key;
    }

    static LedgerSigner from(Properties config) throws Exception {
        String pem = Files.readString(Path.of(config.getProperty("ledger.key.file")));
        byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
        PrivateKey key = KeyFactory.getInstance("Ed25519").generatePrivate(new PKCS8EncodedKeySpec(der));
        byte[] ledgerId = HexFormat.of().parseHex(config.getProperty("ledger.id"));
        return new LedgerSigner(ledgerId, config.getProperty("ledger.key.id"), key);
    }

    /** Adds the two headers that sign a record whose value is frame and body. */
    void sign(ProducerRecord<String, byte[]> record, byte[] schemaSha256) throws GeneralSecurityException {
        byte[] nonce = new byte[16];
        RANDOM.nextBytes(nonce);
        byte[] root = eventDigest(record, schemaSha256, nonce); // a batch of one is its own root
        Signature signature = Signature.getInstance("Ed25519");
        signature.initSign(key);
        signature.update(join(text("runut/batch/v1\n"), u32(1), root));
        byte[] version = {1};
        byte[] size = {0, 1};
        byte[] index = {0, 0};
        record.headers().add("runut-key-id", text(keyId));
        record.headers().add("runut-signature", join(version, size, index, nonce, signature.sign()));
    }

    private byte[] eventDigest(ProducerRecord<String, byte[]> record, byte[] schemaSha256, byte[] nonce)
            throws GeneralSecurityException {
        byte[] subject = text(record.key());
        byte[] leaf = {0};
        MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
        sha256.update(join(leaf, text("runut/event/v1\n"), ledgerId, nonce, schemaSha256));
        sha256.update(join(u32(subject.length), subject));
        sha256.update(record.value(), FRAME, record.value().length - FRAME);
        return sha256.digest();
    }

    private static byte[] text(String value) {
        return value.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] u32(int value) {
        return ByteBuffer.allocate(4).putInt(value).array();
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream joined = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            joined.writeBytes(part);
        }
        return joined.toByteArray();
    }
}
