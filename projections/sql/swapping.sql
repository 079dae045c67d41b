-- Queries of projections/comparing_models.py and projections/swapping.py. {live} and {made} are the
-- schemas of the read models that are live and of those that were made beside them.

-- name: lock_writers
-- Who reads goes on.
LOCK TABLE {live}.position, {live}.directory_record, {live}.protocol IN EXCLUSIVE MODE;

-- name: positions
SELECT partition, next_offset FROM {schema}.position;

-- name: further_subjects
-- That one of both knows further events of.
SELECT subject
  FROM {live}.history
  JOIN {made}.position USING (partition)
 WHERE history."offset" >= position.next_offset
 UNION
SELECT subject
  FROM {made}.history
  JOIN {live}.position USING (partition)
 WHERE history."offset" >= position.next_offset;

-- name: subjects_since
SELECT DISTINCT subject
  FROM {made}.history
  JOIN unnest(%(partitions)s::integer[], %(offsets)s::bigint[]) AS since (partition, next_offset)
    USING (partition)
 WHERE history."offset" >= since.next_offset;

-- name: follow_indexes
-- Both sides are merged in the order of the index that they share: to hash one of them and look the
-- other up costs twice as much, and the planner does not know the new tables yet.
SELECT set_config(name, 'off', true)
  FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin']) AS name;

-- name: differing_history
-- Of some partitions, in the order of the log, which is nearly that in which the rows lie.
SELECT 'history', coalesce(live.subject, made.subject), coalesce(live.seq, made.seq)::text,
       CASE WHEN made.seq IS NULL THEN 'LIVE' WHEN live.seq IS NULL THEN 'REBUILT' ELSE 'BOTH' END
  FROM (SELECT *
          FROM {live}.history
         WHERE partition BETWEEN %(first)s AND %(last)s
           AND subject <> ALL (%(leaving_out)s)) AS live
  FULL JOIN (SELECT *
          FROM {made}.history
         WHERE partition BETWEEN %(first)s AND %(last)s
           AND subject <> ALL (%(leaving_out)s)) AS made
 USING (partition, "offset")
 WHERE ROW(live.*) IS DISTINCT FROM ROW(made.*)
 ORDER BY 2, coalesce(live.seq, made.seq);

-- name: differing_rows
-- Of subjects, but those to leave out; `only` is null for all others.
SELECT {table}, subject, coalesce(live.key, made.key),
       CASE WHEN made.key IS NULL THEN 'LIVE' WHEN live.key IS NULL THEN 'REBUILT' ELSE 'BOTH' END
  FROM (SELECT {key}::text AS key, it.*
          FROM {live}.{name} AS it
         WHERE (%(only)s::text[] IS NULL OR subject = ANY (%(only)s))
           AND subject <> ALL (%(leaving_out)s)) AS live
  FULL JOIN (SELECT {key}::text AS key, it.*
          FROM {made}.{name} AS it
         WHERE (%(only)s::text[] IS NULL OR subject = ANY (%(only)s))
           AND subject <> ALL (%(leaving_out)s)) AS made
 USING (subject, {key})
 WHERE ROW(live.*) IS DISTINCT FROM ROW(made.*)
 ORDER BY subject, {key};

-- name: differing_places
-- Records of the log that are no events, as far as both have read it.
SELECT 'quarantine', partition::text, "offset"::text,
       CASE WHEN made.reason IS NULL THEN 'LIVE' WHEN live.reason IS NULL THEN 'REBUILT'
            ELSE 'BOTH' END
  FROM {live}.quarantine AS live
  FULL JOIN {made}.quarantine AS made USING (partition, "offset")
  JOIN {live}.position AS live_at USING (partition)
  JOIN {made}.position AS made_at USING (partition)
 WHERE ROW(live.*) IS DISTINCT FROM ROW(made.*)
   AND "offset" < least(live_at.next_offset, made_at.next_offset)
 UNION ALL
SELECT 'position', partition::text, live.next_offset::text, 'BOTH'
  FROM {live}.position AS live
  JOIN {made}.position AS made USING (partition)
 WHERE live.next_offset = made.next_offset
   AND (live.leaf_hash, live.recorded_at, live.directory_offset)
       IS DISTINCT FROM (made.leaf_hash, made.recorded_at, made.directory_offset)
 UNION ALL
SELECT 'directory_record', live."offset"::text, '',
       CASE WHEN made."offset" IS NULL THEN 'LIVE' ELSE 'BOTH' END
  FROM {live}.directory_record AS live
  LEFT JOIN {made}.directory_record AS made USING ("offset")
 WHERE ROW(live.*) IS DISTINCT FROM ROW(made.*)
 ORDER BY 1, 2, 3;

-- name: snapshots
-- Transactions of others that see a moment which stays, and those of which we may not know.
SELECT pg_locks.virtualxid
  FROM pg_locks
  JOIN pg_stat_activity USING (pid)
 WHERE locktype = 'virtualxid' AND mode = 'ExclusiveLock'
   AND datname = current_database()
   AND pid <> pg_backend_pid()
   AND usesysid IS NOT NULL
   AND (backend_xmin IS NOT NULL OR backend_type IS NULL);

-- name: snapshots_left
-- Of these; whoever waits for us has seen nothing yet.
SELECT pid, application_name
  FROM pg_locks
  JOIN pg_stat_activity USING (pid)
 WHERE locktype = 'virtualxid' AND mode = 'ExclusiveLock'
   AND virtualxid = ANY (%(snapshots)s)
   AND NOT %(swapping)s = ANY (pg_blocking_pids(pid));

-- name: take_epochs_over
-- Who owned a partition goes on with it where nothing is another for him, else he is fenced out.
UPDATE {made}.position AS made
   SET epoch = live.epoch
             + CASE WHEN %(are_same)s AND made.next_offset = live.next_offset THEN 0 ELSE 1 END
  FROM {live}.position AS live
 WHERE made.partition = live.partition;
