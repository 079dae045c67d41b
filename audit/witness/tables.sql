-- The state of a witness (audit/witness/state.py), made when its file is new.

-- A checkpoint entered by hand, through which the log has to pass.
CREATE TABLE trusted (
    size            INTEGER PRIMARY KEY CHECK (size > 0),
    root            BLOB NOT NULL
);

-- The log of seals ('seals') and each partition's tree (TOPIC/PARTITION), as far as recomputed.
CREATE TABLE tree (
    tree            TEXT PRIMARY KEY,
    size            INTEGER NOT NULL,
    map_root        BLOB NOT NULL
);

-- Hashes of 256 consecutive leaves or full tiles of the level below (runut/tiles.py).
CREATE TABLE tile (
    tree            TEXT NOT NULL,
    level           INTEGER NOT NULL,
    tile            INTEGER NOT NULL,
    hashes          BLOB NOT NULL,
    PRIMARY KEY (tree, level, tile)
);

-- Pages of each partition's newest map (runut/merkle_map.py).
CREATE TABLE map_page (
    tree            TEXT NOT NULL,
    address         BLOB NOT NULL,
    page            BLOB NOT NULL,
    PRIMARY KEY (tree, address)
);

-- Every seal that was recomputed.
CREATE TABLE seal (
    seal            INTEGER PRIMARY KEY,
    root            BLOB NOT NULL,                 -- of the log that ends with it
    sealed_at_ms    INTEGER NOT NULL,
    seen_at_s       INTEGER NOT NULL
);
CREATE TABLE last_seal (
    only            INTEGER PRIMARY KEY CHECK (only = 1),
    entry           BLOB NOT NULL
);

-- What is to be cosigned is here before it is signed; the line, once it was.
CREATE TABLE cosignature (
    size            INTEGER PRIMARY KEY,
    time_s          INTEGER NOT NULL,
    note            BLOB NOT NULL,                 -- the checkpoint as the ledger signed it
    line            TEXT,
    is_delivered    INTEGER NOT NULL DEFAULT 0
);

-- Records about the witness's own agency: its registration, its keys.
CREATE TABLE alert (
    tree            TEXT NOT NULL,
    record_offset   INTEGER NOT NULL,
    seen_at_s       INTEGER NOT NULL,
    PRIMARY KEY (tree, record_offset)
);

-- What was not cosigned, and the note that the log showed then: evidence.
CREATE TABLE refusal (
    refusal         INTEGER PRIMARY KEY,
    refused_at_s    INTEGER NOT NULL,
    reason          TEXT NOT NULL,
    note            BLOB NOT NULL
);

-- When it looked last, and why it did not cosign then.
CREATE TABLE look (
    only            INTEGER PRIMARY KEY CHECK (only = 1),
    looked_at_s     INTEGER NOT NULL,
    refusal         TEXT
);
