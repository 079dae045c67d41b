-- Queries of projections/seals/checked.py, on what the sealer keeps.

-- name: tree
SELECT tree FROM tree WHERE topic = %(topic)s AND partition = %(partition)s;

-- name: valid_signatures
SELECT signature_check, public_key FROM signature_check WHERE is_valid;

-- name: leaf_runs
-- A run has 256 leaves at most.
SELECT first, record_hashes, signature_checks
  FROM leaf_run
 WHERE tree = %(tree)s AND first > %(first)s - 256 AND first <= %(last)s
 ORDER BY first;
