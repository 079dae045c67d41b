-- Queries of projections/one_subject.py.

-- name: hold_position
-- Whoever projects the partition waits until the transaction ends.
SELECT partition, epoch, next_offset, leaf_hash, recorded_at, directory_offset
  FROM position
 WHERE partition = %s
   FOR UPDATE;

-- name: fence_out
UPDATE position SET epoch = epoch + 1 WHERE partition = %s;

-- name: rows_as_text
SELECT it::text FROM {table} AS it WHERE subject = %s;

-- name: delete_rows
DELETE FROM {table} WHERE subject = %s;
