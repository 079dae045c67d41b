-- Queries of projections/store.py. Each begins with its name and says what it is for.

-- name: claim_positions
-- Take partitions over: a new epoch fences whoever wrote them before.
INSERT INTO position (partition, epoch)
SELECT claimed.partition, 1
  FROM unnest(%(partitions)s::integer[]) AS claimed (partition)
 ORDER BY claimed.partition
ON CONFLICT (partition) DO UPDATE SET epoch = position.epoch + 1
RETURNING partition, epoch, next_offset, leaf_hash, recorded_at, directory_offset;

-- name: advance_positions
-- First statement of every write: fails where a partition is owned no more. Whoever follows the
-- read models (projections/following.py) learns of the write once it is committed, and once only.
WITH move AS (
    SELECT *
      FROM json_to_recordset(%(moves)s::json) AS given (
               partition integer, epoch bigint, expected bigint, next_offset bigint,
               leaf_hash text, recorded_at timestamptz, directory_offset bigint
           )
), moved AS (
    UPDATE position
       SET next_offset = move.next_offset,
           leaf_hash = decode(move.leaf_hash, 'base64'),
           recorded_at = move.recorded_at,
           directory_offset = move.directory_offset
      FROM move
     WHERE position.partition = move.partition
       AND position.epoch = move.epoch
       AND position.next_offset = move.expected
    RETURNING position.partition
)
SELECT demand_moved(move.partition, EXISTS (SELECT FROM moved WHERE partition = move.partition)),
       pg_notify('runut_projected', current_schema())
  FROM move;

-- name: load_subjects
SELECT subject, events, irregular, duplicate, corrected, last_recorded_at, state
  FROM subject
 WHERE subject = ANY (%(subjects)s);

-- name: load_contents
-- Earlier records with the same ids: of each emitter's the first that was authentic.
SELECT DISTINCT ON (wanted.subject, history.agency, history.event_id)
       wanted.subject, history.agency, history.event_id,
       substr(sha256(convert_to(history.type, 'UTF8') || '\x00' || history.body), 1, 16)
  FROM unnest(%(subjects)s::text[], %(event_ids)s::uuid[]) AS wanted (subject, event_id)
  JOIN history ON history.event_id = wanted.event_id AND history.subject = wanted.subject
 WHERE history.signature IN ('VALID', 'UNSIGNED')
 ORDER BY wanted.subject, history.agency, history.event_id, history.seq;

-- name: load_histories
-- In the order of the table's columns; null is what the body says as well.
SELECT subject, seq, NULL, NULL, NULL, NULL, recorded_at, partition, "offset",
       directory_offset, verdict, codes, differs, signature, schema_id, body
  FROM history
 WHERE subject = ANY (%(subjects)s)
 ORDER BY subject, seq;

-- name: save_verdict
UPDATE history SET verdict = %s, codes = %s WHERE subject = %s AND seq = %s;

-- name: load_directory
SELECT "offset", timestamp_ms, timestamp_type, key, value, header_names, header_values
  FROM directory_record
 ORDER BY "offset";
