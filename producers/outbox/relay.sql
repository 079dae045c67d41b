-- name: is_standby
SELECT pg_is_in_recovery();

-- name: due
-- Shards with rows that nobody looked at. Rows of a transaction that began while an older one is
-- still under way wait for that: it may yet commit rows that go before them.
SELECT p.shard
FROM runut_outbox.position AS p, pg_control_system() AS c
WHERE p.cluster <> c.system_identifier
   OR p.xid >= pg_snapshot_xmax(pg_current_snapshot())
   OR (  -- Were it EXISTS, PostgreSQL might look for the one row through the whole table.
        SELECT o.seq FROM runut_outbox.outbox AS o
        WHERE o.shard = p.shard
          AND (o.xid, o.seq) > (p.xid, p.seq)
          AND o.xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY o.xid, o.seq
        LIMIT 1
      ) IS NOT NULL
ORDER BY p.shard;

-- name: lock
-- A lock on a row would do the same, and give our transaction an xid, behind which every other
-- relay would have to wait for as long as Kafka takes.
SELECT pg_try_advisory_xact_lock('runut_outbox.position'::regclass::oid::integer, %(shard)s)
           AS is_ours,
       set_config('lock_timeout', '10s', true) AS lock_timeout,
       set_config('idle_in_transaction_session_timeout', %(idle_timeout)s, true) AS idle_timeout;

-- name: position
SELECT p.xid::text, p.seq,
       p.cluster = c.system_identifier
           AND p.xid < pg_snapshot_xmax(pg_current_snapshot()) AS is_valid
FROM runut_outbox.position AS p, pg_control_system() AS c
WHERE p.shard = %(shard)s;

-- name: restamp
-- Rows that came from another cluster may name transactions to which this one has not come.
UPDATE runut_outbox.outbox
SET xid = pg_current_xact_id()
WHERE shard = %(shard)s AND xid >= pg_snapshot_xmax(pg_current_snapshot());

-- name: restart
-- Look at all rows again. What was sent is still known by its version, and not sent again.
UPDATE runut_outbox.position AS p
SET xid = '0', seq = 0, cluster = c.system_identifier
FROM pg_control_system() AS c
WHERE p.shard = %(shard)s;

-- name: window
SELECT o.aggregatetype, o.aggregateid, o.version, o.xid::text, o.seq
FROM runut_outbox.outbox AS o
WHERE o.shard = %(shard)s
  AND (o.xid, o.seq) > (%(xid)s::xid8, %(seq)s::bigint)
  AND o.xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY o.xid, o.seq
LIMIT %(limit)s;

-- name: ready
-- Of each of these subjects the versions that follow on what was sent, without a gap, up to the
-- end of the window and up to a row that was refused.
WITH stream AS (
    SELECT n.*, coalesce(
        (SELECT p.sent FROM runut_outbox.progress AS p
         WHERE p.aggregatetype = n.aggregatetype AND p.aggregateid = n.aggregateid), 0) AS sent
    FROM unnest(%(types)s::text[], %(ids)s::text[])
        WITH ORDINALITY AS n (aggregatetype, aggregateid, place)
), following AS (
    SELECT s.place, o.*
    FROM stream AS s
    CROSS JOIN LATERAL (
        SELECT f.*,
               f.version = s.sent + row_number() OVER so_far AS has_no_gap,
               bool_or(f.refusal IS NOT NULL AND NOT f.skipped) OVER so_far AS is_blocked
        FROM (
            SELECT id, aggregatetype, aggregateid, version, type, occurred_at, payload, meta,
                   xid, skipped, refusal
            FROM runut_outbox.outbox
            WHERE aggregatetype = s.aggregatetype AND aggregateid = s.aggregateid
              AND version > s.sent AND version <= s.sent + %(limit)s
              AND (xid, seq) <= (%(xid)s::xid8, %(seq)s::bigint)
        ) AS f
        WINDOW so_far AS (ORDER BY f.version)
    ) AS o
    WHERE o.has_no_gap AND NOT o.is_blocked
    ORDER BY s.place, o.version
    LIMIT %(limit)s
), measured AS (
    SELECT f.*, octet_length(f.payload::text) + octet_length(f.meta::text)
                + octet_length(f.type) AS size
    FROM following AS f
), summed AS (
    SELECT m.*, sum(size) OVER (ORDER BY place, version) AS up_to, count(*) OVER () AS found
    FROM measured AS m
)
SELECT id::text, aggregatetype, aggregateid, version, left(type, 200) AS type,
       to_jsonb(occurred_at) #>> '{}' AS occurred_at,
       CASE WHEN size <= %(max_size)s THEN payload::text END AS payload,
       CASE WHEN size <= %(max_size)s THEN meta::text END AS meta,
       size, xid::text, skipped, found
FROM summed
WHERE up_to - size < %(max_bytes)s
ORDER BY place, version;

-- name: progress
INSERT INTO runut_outbox.progress AS p (aggregatetype, aggregateid, sent, seen)
SELECT * FROM unnest(%(types)s::text[], %(ids)s::text[], %(sent)s::bigint[], %(seen)s::bigint[])
ON CONFLICT (aggregatetype, aggregateid)
DO UPDATE SET sent = greatest(p.sent, excluded.sent), seen = greatest(p.seen, excluded.seen);

-- name: refuse
-- Unless the row was changed since it was read.
UPDATE runut_outbox.outbox AS o
SET refusal = r.reason
FROM unnest(%(ids)s::uuid[], %(xids)s::xid8[], %(reasons)s::text[]) AS r (id, xid, reason)
WHERE o.id = r.id AND o.xid = r.xid;

-- name: advance
UPDATE runut_outbox.position
SET xid = %(xid)s::xid8, seq = %(seq)s
WHERE shard = %(shard)s;

-- name: standing
-- Moments that no calendar of ours has, such as infinity, are not the oldest.
SELECT count(*) AS unsent,
       count(*) FILTER (WHERE o.xid >= pg_snapshot_xmin(pg_current_snapshot())) AS held_back,
       min(o.occurred_at) FILTER (WHERE o.occurred_at >= '0001-01-02Z'
                                    AND o.occurred_at < '9999-12-31Z') AS oldest
FROM runut_outbox.position AS p
JOIN runut_outbox.outbox AS o ON o.shard = p.shard AND (o.xid, o.seq) > (p.xid, p.seq);

-- name: refused
SELECT id::text, aggregatetype || '/' || aggregateid AS subject, version, left(type, 200) AS type,
       refusal AS reason
FROM runut_outbox.outbox
WHERE refusal IS NOT NULL AND NOT skipped
ORDER BY seq
LIMIT %(limit)s;

-- name: waiting
-- Subjects of which a later version was seen and the next one to be sent is not there.
SELECT p.aggregatetype || '/' || p.aggregateid AS subject, p.sent + 1 AS missing, p.seen
FROM runut_outbox.progress AS p
WHERE p.sent < p.seen
  AND NOT EXISTS (
        SELECT FROM runut_outbox.outbox AS o
        WHERE o.aggregatetype = p.aggregatetype AND o.aggregateid = p.aggregateid
          AND o.version = p.sent + 1
      )
ORDER BY subject
LIMIT %(limit)s;

-- name: resolve
-- To set it, to whatever value, makes the row news.
UPDATE runut_outbox.outbox
SET skipped = %(skipped)s
WHERE id = %(id)s::uuid AND refusal IS NOT NULL
RETURNING aggregatetype || '/' || aggregateid AS subject, version;
