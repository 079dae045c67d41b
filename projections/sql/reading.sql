-- Queries of projections/reading.py, owing.py and health.py. Times are passed in.

-- name: positions_and_directory
-- How far each partition is projected; with each, the directory's size.
SELECT partition, next_offset,
       (SELECT coalesce(max("offset") + 1, 0) FROM directory_record)
  FROM position;

-- name: load_directory
SELECT "offset", timestamp_ms, timestamp_type, key, value, header_names, header_values
  FROM directory_record
 WHERE "offset" >= %(from)s
 ORDER BY "offset";

-- name: load_subject
SELECT subject, events, irregular, duplicate, corrected, last_recorded_at, state
  FROM subject
 WHERE subject = %(subject)s;

-- name: load_history
SELECT subject, seq, event_id, type, agency, occurred_at, recorded_at, partition, "offset",
       directory_offset, verdict, codes, differs, signature, schema_id, body
  FROM history
 WHERE subject = %(subject)s AND seq > %(after_seq)s
 ORDER BY seq
 LIMIT %(limit)s;

-- name: load_entry
SELECT subject, seq, event_id, type, agency, occurred_at, recorded_at, partition, "offset",
       directory_offset, verdict, codes, differs, signature, schema_id, body
  FROM history
 WHERE partition = %(partition)s AND "offset" = %(offset)s;

-- name: next_subjects
-- Subjects of the kinds that keep a state, a chunk at a time; those with events after a moment alone
-- where one is given.
SELECT subject
  FROM subject
 WHERE subject > %(after)s AND kind = ANY (%(kinds)s)
   AND (%(changed_after)s::timestamptz IS NULL OR last_recorded_at > %(changed_after)s)
 ORDER BY subject
 LIMIT %(limit)s;

-- name: load_histories_until
-- What folds read: without the payload in its JSON form.
SELECT subject, seq, event_id, type, agency, occurred_at, recorded_at, partition, "offset",
       directory_offset, verdict, codes, differs, signature, schema_id, body
  FROM history
 WHERE subject = ANY (%(subjects)s) AND recorded_at <= %(moment)s
 ORDER BY subject, seq;

-- name: commitments
-- What an agency owes (or everybody); with `overdue` only what is owed and past its limit.
SELECT subject, commitment_id, source, kind, debtor, creditor, what, due_at, status, made_at,
       source_event, rule, reported_at, fulfilled_at, breached_at, breached_due_at, escalated_to,
       escalation_level
  FROM commitment
 WHERE (%(debtor)s::text IS NULL OR debtor = %(debtor)s)
   AND (NOT %(overdue)s OR (status IN ('OPEN', 'REPORTED') AND due_at < %(now)s))
 ORDER BY due_at NULLS LAST, subject, commitment_id;

-- name: subjects_of_commitment
-- Where a commitment id stands: it is unique within its subject alone. A few are enough to say so.
SELECT subject
  FROM commitment
 WHERE commitment_id = %(commitment_id)s
 ORDER BY subject
 LIMIT 3;

-- name: commitments_of_agency
-- What is still pending between an agency and others, on either side.
SELECT subject, commitment_id, source, kind, debtor, creditor, what, due_at, status, made_at,
       source_event, rule, reported_at, fulfilled_at, breached_at, breached_due_at, escalated_to,
       escalation_level
  FROM commitment
 WHERE (debtor = %(agency)s OR creditor = %(agency)s)
   AND status IN ('PROPOSED', 'OPEN', 'REPORTED');

-- name: cases_held
SELECT subject.subject, subject.state
  FROM custody_interval
  JOIN subject ON subject.subject = custody_interval.subject
 WHERE custody_interval.agency = %(agency)s
   AND custody_interval.ended_at IS NULL;

-- name: positions
SELECT position.partition, position.next_offset, position.recorded_at, position.directory_offset,
       count(quarantine.partition), count(quarantine.partition) - count(taken.partition)
  FROM position
  LEFT JOIN quarantine ON quarantine.partition = position.partition
  LEFT JOIN quarantine_acknowledgement AS taken
    ON taken.partition = quarantine.partition
   AND taken."offset" = quarantine."offset"
   AND taken.leaf_hash = quarantine.leaf_hash
 GROUP BY position.partition
 ORDER BY position.partition;

-- name: figures
SELECT (SELECT count(*) FROM subject),
       (SELECT coalesce(sum(events), 0) FROM subject),
       (SELECT coalesce(sum(irregular), 0) FROM subject),
       (SELECT count(*) FROM commitment
         WHERE status IN ('OPEN', 'REPORTED')),
       (SELECT count(*) FROM commitment
         WHERE status IN ('OPEN', 'REPORTED') AND due_at < %(now)s),
       (SELECT min(due_at) FROM commitment
         WHERE status IN ('OPEN', 'REPORTED') AND due_at < %(now)s),
       (SELECT max(recorded_at) FROM position),
       (SELECT coalesce(max("offset") + 1, 0) FROM directory_record);
