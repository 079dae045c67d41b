-- Queries of projections/following.py.

-- name: listen
LISTEN runut_projected;

-- name: schema
-- The read models' own: what the projector tells, too.
SELECT current_schema();

-- name: added
SELECT subject, seq, event_id, type, agency, verdict, codes, occurred_at, recorded_at,
       history.partition, "offset"
  FROM unnest(%(partitions)s::integer[], %(from_offsets)s::bigint[], %(to_offsets)s::bigint[])
         AS span (partition, from_offset, to_offset)
  JOIN history
    ON history.partition = span.partition
   AND history."offset" >= span.from_offset AND history."offset" < span.to_offset
 ORDER BY recorded_at, history.partition, "offset";
