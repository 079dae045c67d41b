-- Runut's outbox: what an agency's own system publishes, it inserts here in the transaction that
-- makes it true, and `runut outbox relay` carries it to the ledger.
--
-- id, aggregatetype, aggregateid, type and payload are those of Debezium's outbox event router.
-- Run this once, as the owner of the database.

BEGIN;

CREATE SCHEMA runut_outbox;

CREATE TABLE runut_outbox.outbox (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    aggregatetype text NOT NULL,
    aggregateid text NOT NULL,
    type text NOT NULL,
    payload jsonb NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    occurred_at timestamptz NOT NULL DEFAULT now(),
    meta jsonb NOT NULL DEFAULT '{}',
    seq bigint GENERATED ALWAYS AS IDENTITY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    shard smallint NOT NULL
        GENERATED ALWAYS AS ((hashtext(aggregatetype || '/' || aggregateid) & 15)::smallint) STORED,
    refusal text,
    skipped boolean NOT NULL DEFAULT false,
    CONSTRAINT outbox_version UNIQUE (aggregatetype, aggregateid, version)
);
CREATE INDEX outbox_news ON runut_outbox.outbox (shard, xid, seq);
CREATE INDEX outbox_refused ON runut_outbox.outbox (seq) WHERE refusal IS NOT NULL AND NOT skipped;

COMMENT ON TABLE runut_outbox.outbox IS 'What this agency publishes to the ledger, a row an event';
COMMENT ON COLUMN runut_outbox.outbox.id IS 'event_id: the same id sent again is the same event';
COMMENT ON COLUMN runut_outbox.outbox.aggregatetype IS 'Kind of the subject, such as case';
COMMENT ON COLUMN runut_outbox.outbox.aggregateid IS 'ID of the subject, such as KP2MI-2025-0001';
COMMENT ON COLUMN runut_outbox.outbox.type IS 'Type of the event, such as LetterSent';
COMMENT ON COLUMN runut_outbox.outbox.payload IS 'Its fields: data of the JSON form';
COMMENT ON COLUMN runut_outbox.outbox.version IS
    '1, 2, 3, ... for each subject, the order of its events; numbered here where it is left out';
COMMENT ON COLUMN runut_outbox.outbox.occurred_at IS 'When it happened';
COMMENT ON COLUMN runut_outbox.outbox.meta IS
    'Further meta fields, such as channel or legal_basis; traceparent, where this system is traced';
COMMENT ON COLUMN runut_outbox.outbox.seq IS 'Order of the rows of one transaction';
COMMENT ON COLUMN runut_outbox.outbox.xid IS 'Transaction that inserted or last changed the row';
COMMENT ON COLUMN runut_outbox.outbox.shard IS 'Share of the work to which its subject belongs';
COMMENT ON COLUMN runut_outbox.outbox.refusal IS 'Why it can be no event; the subject waits there';
COMMENT ON COLUMN runut_outbox.outbox.skipped IS 'Left out on purpose, so that the subject goes on';

CREATE TABLE runut_outbox.position (
    shard smallint PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT '0',
    seq bigint NOT NULL DEFAULT 0,
    cluster bigint NOT NULL
);
INSERT INTO runut_outbox.position (shard, cluster)
SELECT shard, system_identifier FROM generate_series(0, 15) AS shard, pg_control_system();

COMMENT ON TABLE runut_outbox.position IS 'Up to which row each shard was looked at';
COMMENT ON COLUMN runut_outbox.position.cluster IS
    'System identifier of the cluster whose transactions these are';

CREATE TABLE runut_outbox.progress (
    aggregatetype text,
    aggregateid text,
    sent bigint NOT NULL,
    seen bigint NOT NULL,
    PRIMARY KEY (aggregatetype, aggregateid)
);
CREATE INDEX progress_waiting ON runut_outbox.progress (aggregatetype) WHERE sent < seen;

COMMENT ON TABLE runut_outbox.progress IS 'How far each subject was sent';
COMMENT ON COLUMN runut_outbox.progress.sent IS 'Version up to which all is sent or skipped';
COMMENT ON COLUMN runut_outbox.progress.seen IS 'Highest version that was looked at';

CREATE TABLE runut_outbox.numbering (
    aggregatetype text,
    aggregateid text,
    version bigint NOT NULL,
    PRIMARY KEY (aggregatetype, aggregateid)
);

COMMENT ON TABLE runut_outbox.numbering IS 'Last version given to rows that came without one';

-- Its own rights: who inserts into the outbox needs none on the other tables.
CREATE FUNCTION runut_outbox.prepare() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    passed bigint;
BEGIN
    SELECT p.sent INTO passed
    FROM runut_outbox.progress AS p
    WHERE p.aggregatetype = NEW.aggregatetype AND p.aggregateid = NEW.aggregateid;
    IF TG_OP = 'UPDATE' THEN
        NEW.xid := pg_current_xact_id();  -- a changed row is news: it is looked at again
    ELSIF NEW.version IS NULL THEN
        -- The lock on the subject's number lasts to the end of the transaction: versions of a
        -- subject are committed in their order.
        UPDATE runut_outbox.numbering AS n
        SET version = n.version + 1
        WHERE n.aggregatetype = NEW.aggregatetype AND n.aggregateid = NEW.aggregateid
        RETURNING n.version INTO NEW.version;
    END IF;
    IF NEW.version IS NULL THEN
        INSERT INTO runut_outbox.numbering AS n (aggregatetype, aggregateid, version)
        SELECT NEW.aggregatetype, NEW.aggregateid, 1 + greatest(max(o.version), passed, 0)
        FROM runut_outbox.outbox AS o
        WHERE o.aggregatetype = NEW.aggregatetype AND o.aggregateid = NEW.aggregateid
        ON CONFLICT (aggregatetype, aggregateid) DO UPDATE SET version = n.version + 1
        RETURNING n.version INTO NEW.version;
    END IF;
    IF NOT NEW.skipped THEN
        NEW.refusal := CASE WHEN NEW.version <= passed THEN
            format('version: expected more than %s, which was sent already, found %s',
                   passed, NEW.version)
        END;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER prepare
BEFORE INSERT OR UPDATE OF
    aggregatetype, aggregateid, type, payload, version, occurred_at, meta, skipped
ON runut_outbox.outbox
FOR EACH ROW EXECUTE FUNCTION runut_outbox.prepare();

CREATE FUNCTION runut_outbox.wake() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('runut_outbox', '');  -- one a transaction, however many statements it has
    RETURN NULL;
END $$;

CREATE TRIGGER wake
AFTER INSERT OR UPDATE OF
    aggregatetype, aggregateid, type, payload, version, occurred_at, meta, skipped
ON runut_outbox.outbox
FOR EACH STATEMENT EXECUTE FUNCTION runut_outbox.wake();

COMMIT;
