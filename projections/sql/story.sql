-- Queries of projections/story.py.

-- name: moments
SELECT recorded_at, occurred_at
  FROM history
 WHERE subject = %(subject)s
 ORDER BY seq;
