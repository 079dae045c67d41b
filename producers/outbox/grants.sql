-- name: writer
-- The role of the agency's own system.
GRANT USAGE ON SCHEMA runut_outbox TO {role};
GRANT INSERT (id, aggregatetype, aggregateid, type, payload, version, occurred_at, meta)
    ON runut_outbox.outbox TO {role};

-- name: relay
-- The role of `runut outbox relay`.
GRANT USAGE ON SCHEMA runut_outbox TO {role};
GRANT SELECT, UPDATE (xid, refusal, skipped) ON runut_outbox.outbox TO {role};
GRANT SELECT, UPDATE ON runut_outbox.position TO {role};
GRANT SELECT, INSERT, UPDATE ON runut_outbox.progress TO {role};
