package example;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;

/**
 * Makes an agency's key: MakeKey AGENCY KEY_ID FILE.
 *
 * <p>The private key stays in the file; what is printed is for whoever keeps the directory.
 */
public final class MakeKey {
    private static final int RAW = 32;

    public static void main(String[] arguments) throws Exception {
        KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        String der = Base64.getMimeEncoder().encodeToString(pair.getPrivate().getEncoded());
        Path file = Path.of(arguments[2]);
        var ownerOnly = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        Files.createFile(file, ownerOnly);
        Files.writeString(file, "-----BEGIN PRIVATE KEY-----\n" + der + "\n-----END PRIVATE KEY-----\n");
        byte[] spki = pair.getPublic().getEncoded(); // ends with the raw key
        byte[] raw = Arrays.copyOfRange(spki, spki.length - RAW, spki.length);
        System.out.println("[[key]]");
        System.out.printf("agency = \"%s\"%n", arguments[0]);
        System.out.printf("key_id = \"%s\"%n", arguments[1]);
        System.out.printf("public_key = \"%s\"%n", Base64.getEncoder().encodeToString(raw));
        System.out.println("custody = \"SELF\"");
        System.out.printf("valid_from = %s%n", Instant.now());
    }

    private MakeKey() {}
}
