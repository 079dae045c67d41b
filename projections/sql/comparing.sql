-- Queries of audit/: the read models as they are, to be held to the log, and what was cosigned.

-- name: positions
SELECT partition, next_offset, leaf_hash, recorded_at, directory_offset
  FROM position
 ORDER BY partition;

-- name: subjects
SELECT subject, events, irregular, duplicate, corrected, last_recorded_at, state
  FROM subject
 WHERE subject = ANY (%(subjects)s);

-- name: histories
SELECT subject, seq, event_id, type, agency, occurred_at, recorded_at, partition, "offset",
       directory_offset, verdict, codes, differs, signature, schema_id, body, data, security
  FROM history
 WHERE subject = ANY (%(subjects)s);

-- name: histories_until
SELECT subject, seq, event_id, type, agency, occurred_at, recorded_at, partition, "offset",
       directory_offset, verdict, codes, differs, signature, schema_id, body, data
  FROM history
 WHERE subject = ANY (%(subjects)s) AND "offset" < %(end)s
   AND (%(moment)s::timestamptz IS NULL OR recorded_at <= %(moment)s)
 ORDER BY subject, seq;

-- name: quarantined
SELECT "offset", recorded_at, reason, leaf_hash
  FROM quarantine
 WHERE partition = %(partition)s;

-- name: known_subjects
SELECT subject FROM subject
 UNION
SELECT subject FROM history;

-- name: cosigned_seals
SELECT DISTINCT index
  FROM cosignature
 WHERE index < %(before)s
 ORDER BY index;
