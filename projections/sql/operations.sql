-- What is not made from the log and outlives the read models: nobody can build it again.
-- Created in the schema that the search path names first, and brought up to a new release by running
-- all of this again: every statement only adds what is not there.

-- The outbox of notices (projections/notices.py, projections/notice_outbox.py). A notice waits until it is
-- delivered or parked; one that was never tried waits for an endpoint, but not for ever.
CREATE TABLE IF NOT EXISTS notice (
    notice_id        uuid PRIMARY KEY,
    agency           text NOT NULL,
    kind             text NOT NULL,
    subject          text NOT NULL,
    about            text NOT NULL,
    due_at           timestamptz,
    made_at          timestamptz NOT NULL,
    -- When it came into the outbox: by the clock of those who deliver, whatever the ledger's is.
    enqueued_at      timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    attempts         integer NOT NULL DEFAULT 0,
    next_attempt_at  timestamptz,                 -- null: never tried, so at once
    last_error       text,
    delivered_at     timestamptz,
    delivered_to     text,
    parked_at        timestamptz
);
CREATE INDEX IF NOT EXISTS notice_waiting
    ON notice (agency, next_attempt_at NULLS FIRST, enqueued_at)
 WHERE delivered_at IS NULL AND parked_at IS NULL;
CREATE INDEX IF NOT EXISTS notice_parked ON notice (parked_at) WHERE parked_at IS NOT NULL;

-- Where an agency's notices go (projections/notice_endpoints.py): one place for each agency.
CREATE TABLE IF NOT EXISTS notice_endpoint (
    agency           text PRIMARY KEY,
    kind             text NOT NULL CHECK (kind IN ('WEBHOOK', 'EMAIL')),
    address          text NOT NULL,
    set_at           timestamptz NOT NULL
);

-- Who read what is not to be told to everybody (projections/read_record.py): added to, never changed.
CREATE TABLE IF NOT EXISTS read_record (
    read_id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    read_at          timestamptz NOT NULL,
    reader           text NOT NULL,               -- runut/access.py: Principal.name
    agency           text,                        -- whose reader it is; null for people of none
    subject          text NOT NULL,
    event_id         uuid NOT NULL,
    security         text NOT NULL,
    route            text NOT NULL
);
CREATE INDEX IF NOT EXISTS read_record_subject ON read_record (subject, read_at);

-- Up to where each partition's history was looked through for notices (projections/news.py).
CREATE TABLE IF NOT EXISTS notice_cursor (
    partition        integer PRIMARY KEY,
    next_offset      bigint NOT NULL
);

-- Up to which due date each span of the protocol's reminders was gone through.
CREATE TABLE IF NOT EXISTS deadline_cursor (
    span             text PRIMARY KEY,
    reminded_until   timestamptz NOT NULL
);

-- Who may use the HTTP interfaces (projections/credentials.py): systems of agencies. Of a secret only
-- the hash is kept, and nothing is ever deleted: what a credential did stays attributable.
CREATE TABLE IF NOT EXISTS credential (
    credential_id    text PRIMARY KEY,
    agency           text NOT NULL,
    name             text NOT NULL,
    roles            text[] NOT NULL,
    may_force        boolean NOT NULL,
    secret_sha256    bytea NOT NULL,
    created_at       timestamptz NOT NULL,
    created_by       text NOT NULL,
    expires_at       timestamptz NOT NULL,
    revoked_at       timestamptz,
    revoked_by       text,
    last_used_at     timestamptz
);

-- Who reads the pages now (projections/sessions.py): of a session's secret only the hash is kept.
CREATE TABLE IF NOT EXISTS web_session (
    secret_sha256    bytea PRIMARY KEY,
    reader           text NOT NULL,               -- runut/access.py: Principal.name
    agency           text,
    roles            text[] NOT NULL,
    credential_id    text,                        -- with which it ends; null: of no credential
    begun_at         timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL
);

-- Who took note of a record that is no event (projections/quarantine.py). By its leaf hash it is of
-- that record and no other, whatever log is read.
CREATE TABLE IF NOT EXISTS quarantine_acknowledgement (
    partition        integer NOT NULL,
    "offset"         bigint NOT NULL,
    leaf_hash        bytea NOT NULL,
    acknowledged_by  text NOT NULL,
    acknowledged_at  timestamptz NOT NULL,
    note             text NOT NULL,
    PRIMARY KEY (partition, "offset", leaf_hash)
);
