-- Statements of projections/past_tables.py. A moment's tables have names of their own until they are
-- filled, for they are filled from the present ones.

-- name: copy_history
-- Of payloads those that measures read.
INSERT INTO then_history (subject, event_id, type, agency, occurred_at, verdict, data)
SELECT history.subject, event_id, type, agency, occurred_at, verdict,
       CASE WHEN type = ANY (%(told)s) THEN data END
  FROM history
  JOIN subject ON subject.subject = history.subject
 WHERE subject.last_recorded_at <= %(moment)s;

-- name: copy_protocols
-- All of them: measures ask themselves which were published by the moment.
CREATE TEMP TABLE then_protocol ON COMMIT DROP AS
SELECT "offset", version, effective_from, timezone, meeting_series FROM protocol;

-- name: copy_directory
CREATE TEMP TABLE then_directory_record ON COMMIT DROP AS
SELECT "offset", timestamp_ms FROM directory_record;

-- name: look_into_them
SET LOCAL search_path TO pg_temp;

-- name: analyze
ANALYZE subject, history, commitment, letter, transfer, contact, assistance, decision;
