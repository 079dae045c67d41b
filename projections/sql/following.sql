-- Queries of projections/following.py.

-- name: listen
LISTEN runut_projected;

-- name: schema
-- The read models' own: what the projector tells, too.
SELECT current_schema();

-- name: added
-- One span after the other, each by its index: PostgreSQL cannot know how short they are. The limit
-- keeps it from reading the whole history at once, and leaves nothing out.
SELECT it.*
  FROM unnest(%(partitions)s::integer[], %(from_offsets)s::bigint[], %(to_offsets)s::bigint[])
         AS span (partition, from_offset, to_offset)
 CROSS JOIN LATERAL (
       SELECT subject, seq, event_id, type, agency, verdict, codes, occurred_at, recorded_at,
              history.partition, "offset"
         FROM history
        WHERE history.partition = span.partition
          AND history."offset" >= span.from_offset AND history."offset" < span.to_offset
        ORDER BY "offset"
        LIMIT span.to_offset - span.from_offset
       ) AS it
 ORDER BY it.recorded_at, it.partition, it."offset";
