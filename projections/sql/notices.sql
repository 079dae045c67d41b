-- Queries of projections/notices.py, news.py, notice_outbox.py and notice_endpoints.py.
-- Times are passed in.

-- name: enqueue
INSERT INTO notice (notice_id, agency, kind, subject, about, due_at, made_at)
VALUES (%(notice_id)s, %(agency)s, %(kind)s, %(subject)s, %(about)s, %(due_at)s, %(made_at)s)
ON CONFLICT (notice_id) DO NOTHING;

-- name: grown
-- Partitions whose history has grown past where it was looked through.
SELECT position.partition, coalesce(seen.next_offset, 0), position.next_offset
  FROM position
  LEFT JOIN notice_cursor AS seen ON seen.partition = position.partition
 WHERE position.next_offset > coalesce(seen.next_offset, 0)
 ORDER BY position.partition;

-- name: news
-- What happened lately and concerns somebody, between two offsets of a partition. What the ledger
-- itself says about a limit comes as late as its worker, and is news if the limit was known in time.
SELECT subject, event_id, type, agency, recorded_at, data
  FROM history
 WHERE partition = %(partition)s AND "offset" >= %(after)s AND "offset" < %(until)s
   AND verdict = 'EFFECTIVE' AND type = ANY (%(types)s)
   AND recorded_at >= %(since)s
   AND (recorded_at - occurred_at < %(prompt)s
        OR agency = %(ledger)s
           AND EXISTS (SELECT FROM commitment
                        WHERE commitment.subject = history.subject
                          AND commitment.commitment_id = history.data ->> 'commitment_id'
                          AND commitment.due_recorded_at < commitment.due_at))
 ORDER BY "offset";

-- name: owed
SELECT subject, commitment_id, debtor, creditor, due_at
  FROM commitment
  JOIN unnest(%(subjects)s::text[], %(commitment_ids)s::text[]) AS wanted (subject, commitment_id)
 USING (subject, commitment_id);

-- name: move_cursor
INSERT INTO notice_cursor (partition, next_offset)
VALUES (%(partition)s, %(next_offset)s)
ON CONFLICT (partition) DO UPDATE SET next_offset = EXCLUDED.next_offset;

-- name: due
-- For each endpoint of a kind that is not at work, the notice that it gets next: a fresh one before those
-- that failed before, and of these the one that has waited longest for its next attempt. Two walks
-- of an index, each of which stops at once, however much waits for a dead endpoint.
SELECT next.notice_id, next.agency, next.kind, next.subject, next.about, next.due_at, next.made_at,
       next.attempts, endpoint.kind, endpoint.address
  FROM notice_endpoint AS endpoint
 CROSS JOIN LATERAL (
     (SELECT *
        FROM notice
       WHERE agency = endpoint.agency AND delivered_at IS NULL AND parked_at IS NULL
         AND next_attempt_at IS NULL AND enqueued_at > %(since)s
       ORDER BY enqueued_at
       LIMIT 1)
     UNION ALL
     (SELECT *
        FROM notice
       WHERE agency = endpoint.agency AND delivered_at IS NULL AND parked_at IS NULL
         AND next_attempt_at <= %(now)s
       ORDER BY next_attempt_at
       LIMIT 1)
      ORDER BY next_attempt_at NULLS FIRST
      LIMIT 1
 ) AS next
 WHERE endpoint.kind = %(kind)s AND endpoint.agency <> ALL (%(at_work)s)
 ORDER BY coalesce(next.next_attempt_at, next.enqueued_at)
 LIMIT %(limit)s;

-- name: delivered
UPDATE notice
   SET attempts = %(attempts)s, delivered_at = %(at)s, delivered_to = %(address)s,
       next_attempt_at = NULL, last_error = NULL, parked_at = NULL
 WHERE notice_id = %(notice_id)s AND delivered_at IS NULL;

-- name: failed
-- Only if nobody else tried meanwhile.
UPDATE notice
   SET attempts = %(attempts)s, last_error = %(error)s,
       next_attempt_at = %(next_attempt_at)s, parked_at = %(parked_at)s
 WHERE notice_id = %(notice_id)s AND delivered_at IS NULL AND attempts = %(attempts)s - 1;

-- name: listed
-- The newest first.
SELECT notice_id, agency, kind, subject, about, due_at, made_at, state, attempts, last_error,
       next_attempt_at, delivered_at, delivered_to, parked_at, endpoint
  FROM (
      SELECT notice.*, endpoint.address AS endpoint,
             CASE WHEN notice.delivered_at IS NOT NULL THEN 'DELIVERED'
                  WHEN notice.parked_at IS NOT NULL THEN 'PARKED'
                  WHEN notice.next_attempt_at IS NULL AND notice.enqueued_at <= %(since)s
                  THEN 'EXPIRED'
                  ELSE 'WAITING' END AS state
        FROM notice
        LEFT JOIN notice_endpoint AS endpoint ON endpoint.agency = notice.agency
  ) AS known
 WHERE (%(agency)s::text IS NULL OR agency = %(agency)s)
   AND (%(state)s::text IS NULL OR state = %(state)s)
   AND (%(made_at)s::timestamptz IS NULL
        OR made_at < %(made_at)s
        OR made_at = %(made_at)s AND notice_id > %(notice_id)s::uuid)
 ORDER BY made_at DESC, notice_id
 LIMIT %(limit)s;

-- name: figures
SELECT count(*) FILTER (WHERE endpoint.agency IS NOT NULL),
       count(*) FILTER (WHERE endpoint.agency IS NULL),
       min(notice.enqueued_at) FILTER (WHERE endpoint.agency IS NOT NULL),
       (SELECT count(*) FROM notice WHERE parked_at IS NOT NULL)
  FROM notice
  LEFT JOIN notice_endpoint AS endpoint ON endpoint.agency = notice.agency
 WHERE notice.delivered_at IS NULL AND notice.parked_at IS NULL
   AND (notice.next_attempt_at IS NOT NULL OR notice.enqueued_at > %(since)s);

-- name: retry
-- One that is not delivered, or all that are parked, with all attempts anew.
UPDATE notice
   SET parked_at = NULL, attempts = 0, next_attempt_at = %(now)s
 WHERE delivered_at IS NULL
   AND (notice_id = %(notice_id)s::uuid
        OR %(notice_id)s::uuid IS NULL AND parked_at IS NOT NULL)
   AND (%(agency)s::text IS NULL OR agency = %(agency)s)
RETURNING notice_id;

-- name: set_endpoint
INSERT INTO notice_endpoint (agency, kind, address, set_at)
VALUES (%(agency)s, %(kind)s, %(address)s, %(now)s)
ON CONFLICT (agency) DO UPDATE
   SET kind = EXCLUDED.kind, address = EXCLUDED.address, set_at = EXCLUDED.set_at;

-- name: hurry
-- Another place may take what the last one did not.
UPDATE notice
   SET next_attempt_at = %(now)s
 WHERE agency = %(agency)s AND delivered_at IS NULL AND parked_at IS NULL
   AND next_attempt_at > %(now)s;

-- name: remove_endpoint
DELETE FROM notice_endpoint WHERE agency = %(agency)s RETURNING agency;

-- name: endpoints
SELECT endpoint.agency, endpoint.kind, endpoint.address, endpoint.set_at,
       count(notice.*) FILTER (
           WHERE notice.parked_at IS NULL
             AND (notice.next_attempt_at IS NOT NULL OR notice.enqueued_at > %(since)s)
       ),
       count(notice.*) FILTER (WHERE notice.parked_at IS NOT NULL)
  FROM notice_endpoint AS endpoint
  LEFT JOIN notice ON notice.agency = endpoint.agency AND notice.delivered_at IS NULL
 GROUP BY endpoint.agency
 ORDER BY endpoint.agency;

-- name: directory_offset
-- Of the last directory record that is projected; -1 where there is none.
SELECT coalesce(max("offset"), -1) FROM directory_record;
