-- Queries of projections/present.py.

-- name: present
-- One row of each subject that may be seen by who asks; its rows of other tables as JSON.
-- The agency is null of whoever sees everything.
-- OFFSET 0: looked up one after the other, and never by reading a table.
SELECT it.subject, asked.agency, it.events, it.irregular, it.duplicate, it.corrected,
       it.last_recorded_at, it.state::text,
       EXISTS (SELECT FROM history
                WHERE history.subject = it.subject AND history.security <> 'ORDINARY'),
       (SELECT json_agg(json_build_array(partition, next_offset)) FROM position),
       (SELECT coalesce(max("offset") + 1, 0) FROM directory_record),
       {rows}
  FROM unnest(%(subjects)s::text[], %(agencies)s::text[]) AS asked (subject, agency)
 CROSS JOIN LATERAL (SELECT * FROM subject WHERE subject.subject = asked.subject OFFSET 0) AS it
 WHERE {takes_part};

-- name: rows
(SELECT json_agg(one ORDER BY one.{key})::text FROM {table} AS one WHERE one.subject = it.subject);
