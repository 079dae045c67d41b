-- Queries of projections/versions.py. Times are passed in.

-- name: limit_passed
-- The last limit that passed with something owed: another when something becomes overdue.
SELECT max(due_at)
  FROM commitment
 WHERE status IN ('OPEN', 'REPORTED') AND due_at < %(now)s
   AND (%(subject)s::text IS NULL OR subject = %(subject)s);

-- name: events_of
SELECT events FROM subject WHERE subject = %(subject)s;
