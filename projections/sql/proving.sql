-- Queries of projections/seals/trees.py, maps.py, log.py and proofs.py.

-- name: trees
SELECT tree, topic, partition FROM tree ORDER BY tree;

-- name: leaf_runs
-- Leaves of whole tiles: each tile is a few rows, or one. The limits say to the planner how few.
SELECT run.first, run.key_hashes, run.record_hashes
  FROM unnest(%(tiles)s::bigint[]) AS wanted (tile)
 CROSS JOIN LATERAL (
           SELECT first, key_hashes, record_hashes
             FROM leaf_run
            WHERE tree = %(tree)s AND first >= wanted.tile * 256 AND first < wanted.tile * 256 + 256
            ORDER BY first
            LIMIT 256
       ) AS run
 ORDER BY run.first;

-- name: seal_leaves
SELECT one.index, one.leaf
  FROM unnest(%(tiles)s::bigint[]) AS wanted (tile)
 CROSS JOIN LATERAL (
           SELECT index, leaf
             FROM seal
            WHERE index >= wanted.tile * 256 AND index < wanted.tile * 256 + 256
            ORDER BY index
            LIMIT 256
       ) AS one
 ORDER BY one.index;

-- name: seal_entries
SELECT one.index, one.entry
  FROM unnest(%(tiles)s::bigint[]) AS wanted (tile)
 CROSS JOIN LATERAL (
           SELECT index, entry
             FROM seal
            WHERE index >= wanted.tile * 256 AND index < wanted.tile * 256 + 256
            ORDER BY index
            LIMIT 256
       ) AS one
 ORDER BY one.index;

-- name: tile_nodes
-- The hashes of whole tiles above the leaves, one after the other.
SELECT wanted.level, wanted.tile, node.hashes
  FROM unnest(%(levels)s::integer[], %(tiles)s::bigint[]) AS wanted (level, tile)
 CROSS JOIN LATERAL (
           SELECT string_agg(hash, ''::bytea ORDER BY index) AS hashes
             FROM tile_node
            WHERE tree = %(tree)s AND level = wanted.level
              AND index >= wanted.tile * 256 AND index < wanted.tile * 256 + 256
       ) AS node
 WHERE node.hashes IS NOT NULL;

-- name: map_pages
SELECT address, page FROM map_page WHERE address = ANY (%(addresses)s::bytea[]);

-- name: seal_at
-- A seal with its signatures; one that is not signed yet is nobody's business.
SELECT seal.entry, seal.checkpoint, seal_signature.line,
       (SELECT string_agg(line, '' ORDER BY witness) FROM cosignature WHERE index = seal.index)
  FROM seal
  JOIN seal_signature ON seal_signature.index = seal.index
 WHERE seal.index = %(index)s;

-- name: latest_seals
SELECT seal.entry, seal.checkpoint, seal_signature.line,
       (SELECT string_agg(line, '' ORDER BY witness) FROM cosignature WHERE index = seal.index)
  FROM seal
  JOIN seal_signature ON seal_signature.index = seal.index
 WHERE seal.index IN ((SELECT max(index) FROM seal_signature), (SELECT max(index) FROM cosignature))
 ORDER BY seal.index;

-- name: tree_sizes
-- How many leaves each tree has, sealed or not.
SELECT tree.topic, tree.partition, coalesce(last.first + last.size, 0)
  FROM tree
  LEFT JOIN LATERAL (
           SELECT first, size FROM leaf_run WHERE leaf_run.tree = tree.tree
            ORDER BY first DESC LIMIT 1
       ) AS last ON true
 WHERE tree.tree > 0
 ORDER BY tree.tree;

-- name: event_place
SELECT partition, "offset", event_id, subject, recorded_at
  FROM history
 WHERE event_id = %(event_id)s AND (%(agency)s::text IS NULL OR agency = %(agency)s)
 ORDER BY (signature IN ('VALID', 'UNSIGNED')) DESC, recorded_at, partition, "offset"
 LIMIT 1;

-- name: sealing
-- Whether a sealer is there, or one that waits to take over.
SELECT EXISTS (
           SELECT FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = %(sealer)s
       );

-- name: add_cosignature
INSERT INTO cosignature (index, witness, line, received_at)
VALUES (%s, %s, %s, %s)
    ON CONFLICT (index, witness) DO NOTHING;
