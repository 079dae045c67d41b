-- Queries of projections/rebuilding.py: the read models that are made beside the live ones. The search
-- path names their schema first.

-- name: plan
-- What is to be loaded, and the indexes that are left out until then. Gone with the swap.
CREATE TABLE rebuild_share (
    partition        integer NOT NULL,
    slice            integer NOT NULL,
    slices           integer NOT NULL,            -- subjects of the partition are cut into
    end_offset       bigint NOT NULL,
    foreseen_to      bigint NOT NULL,             -- rebuild_correction knows of all before
    is_verifying     boolean NOT NULL,            -- signatures that the sealer verified, too
    is_done          boolean NOT NULL DEFAULT false,
    PRIMARY KEY (partition, slice)
);
CREATE TABLE rebuild_correction (
    partition        integer NOT NULL,
    subject          text NOT NULL
);
CREATE TABLE rebuild_index AS
SELECT held.relname AS "table", named.relname AS name, pg_get_indexdef(indexrelid) AS definition,
       indisprimary AS is_key
  FROM pg_index
  JOIN pg_class AS held ON held.oid = indrelid
  JOIN pg_class AS named ON named.oid = indexrelid
 WHERE held.relnamespace = current_schema()::regnamespace
   AND held.relname NOT IN ('position', 'directory_record', 'protocol', 'rebuild_share');

-- name: foresee_corrections
-- {live} is the schema of the live read models.
INSERT INTO rebuild_correction (partition, subject)
SELECT DISTINCT partition, subject
  FROM {live}.history
 WHERE type = %(correction)s;

-- name: foreseen_corrections
SELECT subject FROM rebuild_correction WHERE partition = %s;

-- name: is_verifying
-- {made} is the schema of what was planned before.
SELECT bool_and(is_verifying) FROM {made}.rebuild_share;

-- name: add_share
INSERT INTO rebuild_share (partition, slice, slices, end_offset, foreseen_to, is_verifying)
VALUES (%s, %s, %s, %s, %s, %s);

-- name: indexes
-- The largest first: whoever is done early takes the next one.
SELECT "table", name, definition, is_key
  FROM rebuild_index
 ORDER BY pg_table_size("table"::regclass) DESC, name;

-- name: present_indexes
SELECT relname
  FROM pg_class
 WHERE relnamespace = current_schema()::regnamespace AND relkind = 'i';

-- name: keys
SELECT conname
  FROM pg_constraint
 WHERE connamespace = current_schema()::regnamespace AND contype = 'p';

-- name: one_core_an_index
-- Several are made at once.
SELECT set_config('maintenance_work_mem', '128MB', false),
       set_config('max_parallel_maintenance_workers', '0', false);

-- name: tables
SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename;

-- name: what_to_analyze
-- Tables with their columns, or with none where all are wanted, as of `subject`, whose indexes are on
-- parts of the state: no other row is looked for by its body or by a list of agencies, and to sort
-- samples of these takes as long as all the rest.
SELECT relname,
       CASE WHEN relname = 'subject' THEN '{}'
            ELSE array_agg(attname::text ORDER BY attnum)
                 FILTER (WHERE atttypid <> ALL (ARRAY['bytea', 'jsonb', 'text[]']::regtype[]))
            END
  FROM pg_class
  JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
 WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
 GROUP BY relname
 ORDER BY relname;

-- name: take_share
-- The largest that nobody else is at. Its row stays locked until it is done.
SELECT partition, slice, slices, end_offset, foreseen_to, is_verifying
  FROM rebuild_share
 WHERE NOT is_done
 ORDER BY end_offset / slices DESC, partition, slice
 LIMIT 1
   FOR UPDATE SKIP LOCKED;

-- name: share_done
UPDATE rebuild_share SET is_done = true WHERE partition = %s AND slice = %s;

-- name: add_position
INSERT INTO position (partition, next_offset, leaf_hash, recorded_at, directory_offset)
VALUES (%s, %s, %s, %s, %s);

-- name: shares_left
SELECT count(*) FILTER (WHERE NOT is_done),
       coalesce(sum(end_offset / slices) FILTER (WHERE is_done), 0)::bigint,
       coalesce(sum(end_offset / slices), 0)::bigint
  FROM rebuild_share;
