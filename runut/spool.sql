-- name: create
CREATE TABLE event (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    agency TEXT NOT NULL,
    content BLOB NOT NULL,
    traceparent BLOB,
    kept_ms INTEGER NOT NULL,
    reason TEXT
);

-- name: index
-- Few are parked, and each holds up its subject.
CREATE INDEX event_parked ON event (subject) WHERE reason IS NOT NULL;

-- name: keep
INSERT INTO event (event_id, type, subject, agency, content, traceparent, kept_ms)
VALUES (:event_id, :type, :subject, :agency, :content, :traceparent, :kept_ms);

-- name: used
-- Bytes of what is there; pages of what was sent are free again.
SELECT (pages.page_count - free.freelist_count) * page.page_size
FROM pragma_page_count AS pages, pragma_freelist_count AS free, pragma_page_size AS page;

-- name: waiting
-- What can be sent, in the order in which it came: a parked event holds up its subject.
SELECT e.number, e.subject, e.content, e.traceparent
FROM event AS e
WHERE e.reason IS NULL
  AND NOT EXISTS (
        SELECT 1 FROM event AS p WHERE p.subject = e.subject AND p.reason IS NOT NULL
      )
ORDER BY e.number
LIMIT :limit;

-- name: recorded
DELETE FROM event WHERE number = :number;

-- name: park
UPDATE event SET reason = :reason WHERE number = :number;

-- name: retry
UPDATE event SET reason = NULL WHERE reason IS NOT NULL;

-- name: remove
DELETE FROM event WHERE event_id = :event_id AND reason IS NOT NULL RETURNING content;

-- name: standing
SELECT count(*) FILTER (WHERE p.subject IS NULL) AS waiting,
       count(*) FILTER (WHERE p.subject IS NOT NULL AND e.reason IS NULL) AS held,
       min(e.kept_ms) AS oldest_ms
FROM event AS e
LEFT JOIN (SELECT DISTINCT subject FROM event WHERE reason IS NOT NULL) AS p
    ON p.subject = e.subject;

-- name: parked
SELECT event_id, type, subject, agency, kept_ms, reason
FROM event
WHERE reason IS NOT NULL
ORDER BY number;
