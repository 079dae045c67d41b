-- Statements of projections/past_tables.py. A moment's tables have names of their own until they are
-- filled, for they are filled from the present ones.

-- name: copy_history
-- Of payloads those that measures read.
INSERT INTO then_history (subject, event_id, type, agency, occurred_at, recorded_at, partition,
                          "offset", verdict, signature, security, data)
SELECT history.subject, event_id, type, agency, occurred_at, recorded_at, partition, "offset",
       verdict, signature, security, CASE WHEN type = ANY (%(told)s) THEN data END
  FROM history
  JOIN subject ON subject.subject = history.subject
 WHERE subject.last_recorded_at <= %(moment)s;

-- name: tell_custodians
-- As in model.sql.
ALTER TABLE then_subject ADD custodian text GENERATED ALWAYS AS (state ->> 'custodian') STORED;

-- name: make_protocol
-- All of them: measures ask themselves which were published by the moment.
CREATE TEMP TABLE then_protocol AS
SELECT "offset", version, effective_from, timezone, meeting_series FROM protocol;

-- name: make_directory_record
CREATE TEMP TABLE then_directory_record AS
SELECT "offset", timestamp_ms FROM directory_record;

-- name: make_position
CREATE TEMP TABLE then_position AS
SELECT partition, max("offset") + 1 AS next_offset, max(recorded_at) AS recorded_at
  FROM then_history
 GROUP BY partition;

-- name: look_into_them
SET search_path TO pg_temp;

-- name: find_subjects
CREATE UNIQUE INDEX ON subject (subject);

-- name: find_commitments
CREATE INDEX ON commitment (subject);

-- name: few_samples
-- Enough to tell large tables from small ones, in a fifth of the time.
SET LOCAL default_statistics_target TO 10;

-- name: analyze
ANALYZE subject (subject, kind), history (subject, event_id, type, agency, verdict), commitment,
        letter, transfer, contact, assistance, decision;
