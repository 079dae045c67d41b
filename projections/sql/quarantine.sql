-- Queries of projections/quarantine.py: records that are no event, and who took note of them.
-- Times are passed in.

-- name: list
-- The newest first; after a place, what comes below it.
SELECT quarantine.partition, quarantine."offset", quarantine.recorded_at, quarantine.reason,
       quarantine.key_id, quarantine.agency, quarantine.value_size,
       taken.acknowledged_by, taken.acknowledged_at, taken.note
  FROM quarantine
  LEFT JOIN quarantine_acknowledgement AS taken
    ON taken.partition = quarantine.partition
   AND taken."offset" = quarantine."offset"
   AND taken.leaf_hash = quarantine.leaf_hash
 WHERE (%(agency)s::text IS NULL OR quarantine.agency = %(agency)s)
   AND (%(acknowledged_too)s OR taken.acknowledged_at IS NULL)
   AND (%(after_partition)s::integer IS NULL
        OR (quarantine.recorded_at, quarantine.partition, quarantine."offset")
         < (SELECT recorded_at, partition, "offset" FROM quarantine
             WHERE partition = %(after_partition)s AND "offset" = %(after_offset)s))
 ORDER BY quarantine.recorded_at DESC, quarantine.partition DESC, quarantine."offset" DESC
 LIMIT %(limit)s;

-- name: show
SELECT quarantine.partition, quarantine."offset", quarantine.recorded_at, quarantine.reason,
       quarantine.key_id, quarantine.agency, quarantine.value_size,
       taken.acknowledged_by, taken.acknowledged_at, taken.note,
       quarantine.leaf_hash, quarantine.type, quarantine.key, quarantine.value
  FROM quarantine
  LEFT JOIN quarantine_acknowledgement AS taken
    ON taken.partition = quarantine.partition
   AND taken."offset" = quarantine."offset"
   AND taken.leaf_hash = quarantine.leaf_hash
 WHERE quarantine.partition = %(partition)s
   AND quarantine."offset" = %(offset)s;

-- name: acknowledge
-- Whoever was first stays.
INSERT INTO quarantine_acknowledgement
       (partition, "offset", leaf_hash, acknowledged_by, acknowledged_at, note)
SELECT partition, "offset", leaf_hash, %(by)s, %(now)s, %(note)s
  FROM quarantine
 WHERE partition = %(partition)s AND "offset" = %(offset)s
    ON CONFLICT DO NOTHING;
