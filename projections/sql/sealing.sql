-- Queries of projections/seals/store.py, which writes. Each begins with its name.

-- name: claim
-- Whoever sealed before is fenced out.
UPDATE sealer SET epoch = epoch + 1 RETURNING epoch;

-- name: hold
-- First statement of every write: no row means that somebody else is the sealer. The lock holds off
-- whoever claims until this transaction is over.
SELECT epoch FROM sealer WHERE epoch = %(epoch)s FOR UPDATE;

-- name: name_trees
INSERT INTO tree (tree, topic, partition)
SELECT * FROM unnest(%(trees)s::integer[], %(topics)s::text[], %(partitions)s::integer[])
    ON CONFLICT (tree) DO NOTHING;

-- name: tips
-- Of each tree its size, and the hashes of its last leaf.
SELECT tree.tree, tree.topic, tree.partition, coalesce(last.first + last.size, 0),
       last.key_hash, last.record_hash
  FROM tree
  LEFT JOIN LATERAL (
           SELECT first, size,
                  substring(key_hashes FROM 32 * size - 31) AS key_hash,
                  substring(record_hashes FROM 32 * size - 31) AS record_hash
             FROM leaf_run
            WHERE leaf_run.tree = tree.tree
            ORDER BY first DESC
            LIMIT 1
       ) AS last ON true
 WHERE tree.tree > 0
 ORDER BY tree.tree;

-- name: signature_checks
SELECT signature_check, public_key, is_valid FROM signature_check;

-- name: add_signature_check
INSERT INTO signature_check (signature_check, public_key, is_valid) VALUES (%s, %b, %s);

-- name: add_leaf_run
INSERT INTO leaf_run (tree, first, size, key_hashes, record_hashes, signature_checks)
VALUES (%s, %s, %s, %b, %b, %b);

-- name: add_tile_node
INSERT INTO tile_node (tree, level, index, hash) VALUES (%s, %s, %s, %b);

-- name: add_map_page
-- The same page has the same address, whoever made it.
INSERT INTO map_page (address, page) VALUES (%b, %b) ON CONFLICT (address) DO NOTHING;

-- name: add_seal
INSERT INTO seal (index, sealed_at, entry, leaf, checkpoint) VALUES (%s, %s, %b, %b, %s);

-- name: add_seal_signature
INSERT INTO seal_signature (index, line) VALUES (%s, %s);

-- name: last_seal
SELECT seal.index, seal.entry, seal.checkpoint, seal_signature.line
  FROM seal
  LEFT JOIN seal_signature ON seal_signature.index = seal.index
 ORDER BY seal.index DESC
 LIMIT 1;

-- name: seal
SELECT seal.index, seal.entry, seal.checkpoint, seal_signature.line
  FROM seal
  LEFT JOIN seal_signature ON seal_signature.index = seal.index
 WHERE seal.index = %(index)s;
