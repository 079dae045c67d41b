-- Queries of projections/waiting.py.

-- name: positions
-- How far each partition is projected.
SELECT partition, next_offset FROM position;
