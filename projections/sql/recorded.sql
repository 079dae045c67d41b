-- Queries of projections/recorded.py. Each begins with its name and says what it is for.

-- name: find_event
-- Where an agency's event stands: on the subject asked for if it is there, else the earliest.
SELECT subject, partition, "offset", substr(sha256(convert_to(type, 'UTF8') || '\x00' || body), 1, 16)
  FROM history
 WHERE event_id = %(event_id)s
   AND agency = %(agency)s
   AND signature IN ('VALID', 'UNSIGNED')
 ORDER BY subject <> %(subject)s, recorded_at, subject, seq
 LIMIT 1;

-- name: next_offset
SELECT next_offset FROM position WHERE partition = %(partition)s;
