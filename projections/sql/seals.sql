-- What the sealer keeps (integrity.md §2 to §4): the trees, the maps and the log of seals.
-- Created in the schema that the search path names first. Rows are only ever added: the role that
-- writes them may insert and read, and the owner has given up more. All of it but notes and
-- cosignatures can be made again from Kafka, and then has to give the same seals.

-- One tree for each partition, and tree 0 for the log of seals itself.
CREATE TABLE tree (
    tree             integer PRIMARY KEY,
    topic            text NOT NULL,
    partition        integer NOT NULL,
    UNIQUE (topic, partition)
);

-- What a check of a signature gave. No verdict: whether the key was valid then is not asked.
CREATE TABLE signature_check (
    signature_check  integer PRIMARY KEY CHECK (signature_check BETWEEN 1 AND 65535),
    public_key       bytea NOT NULL CHECK (octet_length(public_key) = 32),
    is_valid         boolean NOT NULL,
    UNIQUE (public_key, is_valid)
);

-- Consecutive leaves of a tree, within one tile of 256: as many as were read at once. The view
-- `leaf` has them one by one.
CREATE TABLE leaf_run (
    tree             integer NOT NULL,
    first            bigint NOT NULL CHECK (first >= 0),           -- offset of the first of them
    size             integer NOT NULL CHECK (size BETWEEN 1 AND 256),
    key_hashes       bytea STORAGE EXTERNAL NOT NULL,              -- SHA-256 of each record's key
    record_hashes    bytea STORAGE EXTERNAL NOT NULL,              -- SHA-256 of each record
    signature_checks bytea NOT NULL,                               -- two bytes each; 0: none
    PRIMARY KEY (tree, first),
    CHECK (first / 256 = (first + size - 1) / 256),
    CHECK (octet_length(key_hashes) = 32 * size),
    CHECK (octet_length(record_hashes) = 32 * size),
    CHECK (octet_length(signature_checks) = 2 * size)
);

-- Roots of full tiles, which are the hashes of the tiles one level up (runut/tiles.py).
CREATE TABLE tile_node (
    tree             integer NOT NULL,
    level            integer NOT NULL CHECK (level BETWEEN 1 AND 7),
    index            bigint NOT NULL,                              -- among all of its level
    hash             bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (tree, level, index)
);

-- Pages of the maps of all partitions and of all seals, by address (runut/merkle_map.py).
CREATE TABLE map_page (
    address          bytea PRIMARY KEY CHECK (octet_length(address) = 32),
    page             bytea STORAGE EXTERNAL NOT NULL
);

-- Seals, each committed before anything of it is signed.
CREATE TABLE seal (
    index            bigint PRIMARY KEY,
    sealed_at        timestamptz NOT NULL,
    entry            bytea NOT NULL,                               -- runut/seals.py
    leaf             bytea NOT NULL CHECK (leaf = sha256('\x00'::bytea || entry)),
    checkpoint       text NOT NULL                                 -- of the log that ends with it
);
CREATE TABLE seal_signature (
    index            bigint PRIMARY KEY,
    line             text NOT NULL                                 -- as it stands in the note
);
CREATE TABLE cosignature (
    index            bigint NOT NULL,
    witness          text NOT NULL,                                -- its verifier key
    line             text NOT NULL,
    received_at      timestamptz NOT NULL,
    PRIMARY KEY (index, witness)
);

-- The one row that changes: whoever counts it up is the sealer, and all others are fenced out.
CREATE TABLE sealer (
    sealer           boolean PRIMARY KEY DEFAULT true CHECK (sealer),
    epoch            bigint NOT NULL
);
INSERT INTO sealer (epoch) VALUES (0);

CREATE VIEW leaf AS
SELECT tree.topic, tree.partition, leaf_run.first + place AS "offset",
       substring(leaf_run.key_hashes FROM 32 * place + 1 FOR 32) AS key_hash,
       substring(leaf_run.record_hashes FROM 32 * place + 1 FOR 32) AS record_hash,
       signature_check.public_key, signature_check.is_valid AS signature_is_valid
  FROM leaf_run
  JOIN tree ON tree.tree = leaf_run.tree
 CROSS JOIN LATERAL generate_series(0, leaf_run.size - 1) AS place
  LEFT JOIN signature_check
    ON signature_check.signature_check = get_byte(leaf_run.signature_checks, 2 * place) * 256
                                       + get_byte(leaf_run.signature_checks, 2 * place + 1);
COMMENT ON VIEW leaf IS 'The leaves one by one; both hashes are zero where an offset holds no record';

REVOKE UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA {schema} FROM CURRENT_USER;
GRANT USAGE ON SCHEMA {schema} TO {sealer}, {reader};
GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {sealer}, {reader};
GRANT INSERT ON tree, signature_check, leaf_run, tile_node, map_page, seal, seal_signature,
    cosignature TO {sealer};
GRANT UPDATE (epoch) ON sealer TO {sealer};
