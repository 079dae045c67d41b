-- Queries of audit/witness/state.py and trees.py. Each begins with its name.

-- name: tree
SELECT size, map_root FROM tree WHERE tree = :tree;

-- name: trees
SELECT tree, size FROM tree ORDER BY tree;

-- name: set_tree
INSERT INTO tree (tree, size, map_root) VALUES (:tree, :size, :map_root)
    ON CONFLICT (tree) DO UPDATE SET size = excluded.size, map_root = excluded.map_root;

-- name: tile
SELECT hashes FROM tile WHERE tree = :tree AND level = :level AND tile = :tile;

-- name: set_tile
INSERT INTO tile (tree, level, tile, hashes) VALUES (:tree, :level, :tile, :hashes)
    ON CONFLICT (tree, level, tile) DO UPDATE SET hashes = excluded.hashes;

-- name: map_page
SELECT page FROM map_page WHERE tree = :tree AND address = :address;

-- name: add_map_page
INSERT INTO map_page (tree, address, page) VALUES (:tree, :address, :page);

-- name: drop_map_page
DELETE FROM map_page WHERE tree = :tree AND address = :address;

-- name: trusted
SELECT size, root FROM trusted;

-- name: trust
INSERT INTO trusted (size, root) VALUES (:size, :root);

-- name: log_root
SELECT root FROM seal WHERE seal = :seal;

-- name: last_seal
SELECT entry FROM last_seal;

-- name: add_seal
INSERT INTO seal (seal, root, sealed_at_ms, seen_at_s)
VALUES (:seal, :root, :sealed_at_ms, :seen_at_s);

-- name: set_last_seal
INSERT INTO last_seal (only, entry) VALUES (1, :entry)
    ON CONFLICT (only) DO UPDATE SET entry = excluded.entry;

-- name: add_alert
INSERT INTO alert (tree, record_offset, seen_at_s) VALUES (:tree, :record_offset, :seen_at_s);

-- name: alerts
SELECT tree, record_offset, seen_at_s FROM alert ORDER BY tree, record_offset;

-- name: intend
INSERT INTO cosignature (size, time_s, note) VALUES (:size, :time_s, :note)
    ON CONFLICT (size) DO NOTHING;

-- name: cosigned
UPDATE cosignature SET line = :line WHERE size = :size;

-- name: delivered
UPDATE cosignature SET is_delivered = 1 WHERE size = :size;

-- name: first_cosignature
SELECT size, time_s, note, line, is_delivered FROM cosignature ORDER BY size LIMIT 1;

-- name: last_cosignature
SELECT size, time_s, note, line, is_delivered FROM cosignature ORDER BY size DESC LIMIT 1;

-- name: refuse
INSERT INTO refusal (refused_at_s, reason, note) VALUES (:refused_at_s, :reason, :note);

-- name: last_refusal
SELECT refused_at_s, reason, note FROM refusal ORDER BY refusal DESC LIMIT 1;

-- name: set_look
INSERT INTO look (only, looked_at_s, refusal) VALUES (1, :looked_at_s, :refusal)
    ON CONFLICT (only) DO UPDATE SET looked_at_s = excluded.looked_at_s, refusal = excluded.refusal;

-- name: look
SELECT looked_at_s, refusal FROM look;
