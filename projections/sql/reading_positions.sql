-- Queries of projections/waiting.py.

-- name: positions
-- How far each partition is projected.
SELECT partition, next_offset FROM position;

-- name: claimed
-- How many partitions were claimed by a projector that is connected now.
SELECT count(*)
  FROM position
 WHERE EXISTS (
           SELECT FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = %(projector)s
       );
