-- The read models' tables. Everything here can be dropped and built again from the log.
-- Created in the schema that the search path names first; the stable views are in views.sql.
-- Columns of row tables stand in the order of the fields in projections/folds/rows.py.

CREATE TABLE position (
    partition        integer PRIMARY KEY,
    epoch            bigint NOT NULL DEFAULT 0,
    next_offset      bigint NOT NULL DEFAULT 0,
    leaf_hash        bytea,                       -- of the record before next_offset
    recorded_at      timestamptz,                 -- the latest so far: it never runs backwards
    directory_offset bigint NOT NULL DEFAULT -1   -- announced last before next_offset
);

-- Ends the transaction of a worker that writes to a partition which another took over.
CREATE FUNCTION demand_moved(partition integer, moved boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT moved THEN
        RAISE EXCEPTION 'another worker owns partition %', partition
        USING ERRCODE = 'RU001', DETAIL = partition;
    END IF;
END $$;

CREATE TABLE directory_record (
    "offset"         bigint PRIMARY KEY,
    timestamp_ms     bigint NOT NULL,
    timestamp_type   integer NOT NULL,
    key              bytea,
    value            bytea,
    header_names     text[] NOT NULL,
    header_values    bytea[] NOT NULL
);

-- What SQL has to know of the protocols that those records publish.
CREATE TABLE protocol (
    "offset"         bigint PRIMARY KEY,          -- of the directory record
    version          text NOT NULL,
    effective_from   timestamptz NOT NULL,
    timezone         text NOT NULL,
    meeting_series   jsonb NOT NULL               -- as in the protocol: runut/protocol.py
);

CREATE TABLE quarantine (
    partition        integer NOT NULL,
    "offset"         bigint NOT NULL,
    recorded_at      timestamptz NOT NULL,
    reason           text NOT NULL,
    leaf_hash        bytea NOT NULL,
    key_id           text,                        -- this and the next two as it claims:
    agency           text,                        -- projections/claims.py
    type             text,
    key              bytea,                       -- first KiB
    value            bytea,                       -- first KiB
    value_size       integer,                     -- of all of it; null where Kafka has null
    PRIMARY KEY (partition, "offset")
);
CREATE INDEX quarantine_newest ON quarantine (recorded_at, partition, "offset");
CREATE INDEX quarantine_agency ON quarantine (agency, recorded_at);

CREATE TABLE subject (
    subject          text PRIMARY KEY,
    kind             text NOT NULL,
    events           integer NOT NULL,
    irregular        integer NOT NULL,
    duplicate        integer NOT NULL,
    corrected        integer NOT NULL,
    last_recorded_at timestamptz NOT NULL,
    state            jsonb,
    -- Columns of their own, since indexes of the state would have to be written whenever it changes.
    custodian          text GENERATED ALWAYS AS (state ->> 'custodian') STORED,
    escalation_pending text GENERATED ALWAYS AS (state ->> 'escalation_pending') STORED
);

CREATE INDEX subject_to_escalate ON subject (escalation_pending)
 WHERE kind = 'case' AND escalation_pending IS NOT NULL;
-- The few among many cases.
CREATE INDEX subject_no_case ON subject (kind) WHERE kind <> 'case';
-- Whose cases: the commonest question.
CREATE INDEX subject_custodian ON subject (custodian, subject) WHERE custodian IS NOT NULL;
-- How many there are of the rest decides whether to look for them in the order of the list.
CREATE STATISTICS subject_facts ON (state ->> 'status'), (state ->> 'category'),
                                   (state ->> 'urgency'), (state ->> 'country')
  FROM subject;

CREATE TABLE history (
    subject          text NOT NULL,
    seq              integer NOT NULL,
    event_id         uuid NOT NULL,
    type             text NOT NULL,
    agency           text NOT NULL,
    occurred_at      timestamptz NOT NULL,
    recorded_at      timestamptz NOT NULL,
    partition        integer NOT NULL,
    "offset"         bigint NOT NULL,
    directory_offset bigint NOT NULL,
    verdict          text NOT NULL,
    codes            text[] NOT NULL,
    differs          boolean NOT NULL,
    signature        text NOT NULL,
    schema_id        integer NOT NULL,
    body             bytea NOT NULL,              -- the Avro body, to fold the subject again
    data             jsonb NOT NULL,              -- the payload in its JSON form, to read
    security         text NOT NULL,               -- how far it may be told: meta.security
    PRIMARY KEY (subject, seq)
);
CREATE UNIQUE INDEX history_place ON history (partition, "offset");
CREATE INDEX history_event ON history (event_id, subject);
-- What is not to be told to everybody who takes part: little among much.
CREATE INDEX history_guarded ON history (subject) WHERE security <> 'ORDINARY';
CREATE INDEX history_data_shared ON history (occurred_at) WHERE type = 'DataShared';

CREATE TABLE custody_interval (
    subject          text NOT NULL,
    n                integer NOT NULL,
    agency           text NOT NULL,
    started_at       timestamptz NOT NULL,
    ended_at         timestamptz,
    event_id         uuid NOT NULL,
    PRIMARY KEY (subject, n)
);
CREATE INDEX custody_interval_agency ON custody_interval (agency) WHERE ended_at IS NULL;

CREATE TABLE transfer (
    subject          text NOT NULL,
    transfer_id      text NOT NULL,
    from_agency      text NOT NULL,
    to_agency        text NOT NULL,
    ground           text NOT NULL,
    reason           text NOT NULL,
    offered_at       timestamptz NOT NULL,
    status           text NOT NULL,
    answered_at      timestamptz,
    answer_ground    text,
    answer_reason    text,
    PRIMARY KEY (subject, transfer_id)
);

CREATE TABLE letter (
    subject          text NOT NULL,
    letter_id        text NOT NULL,
    sender           text NOT NULL,
    number           text NOT NULL,
    dated            date NOT NULL,
    doc_type         text NOT NULL,
    urgency          text NOT NULL,
    title            text NOT NULL,
    to_agencies      text[] NOT NULL,
    cc_agencies      text[] NOT NULL,
    reply_expected   boolean NOT NULL,
    in_reply_to      text,
    sent_at          timestamptz NOT NULL,
    received_by      text[] NOT NULL,
    disposed_by      text[] NOT NULL,
    settled_by       text[] NOT NULL,
    reminders        integer NOT NULL,
    PRIMARY KEY (subject, letter_id)
);

CREATE TABLE contact (
    subject          text NOT NULL,
    contact_id       text NOT NULL,
    agency           text NOT NULL,
    mode             text NOT NULL,
    direction        text NOT NULL,
    with_agencies    text[] NOT NULL,
    summary          text NOT NULL,
    duration_s       integer,
    logged_at        timestamptz NOT NULL,
    agreed_by        text[] NOT NULL,
    disputed_by      text[] NOT NULL,
    PRIMARY KEY (subject, contact_id)
);

CREATE TABLE decision (
    subject          text NOT NULL,
    decision_id      text NOT NULL,
    meeting          text NOT NULL,
    agency           text NOT NULL,
    text             text NOT NULL,
    adopters         text[] NOT NULL,
    follow_up        text NOT NULL,
    decided_at       timestamptz NOT NULL,
    PRIMARY KEY (subject, decision_id)
);

CREATE TABLE assistance (
    subject          text NOT NULL,
    assistance_id    text NOT NULL,
    kind             text NOT NULL,
    requester        text NOT NULL,
    provider         text NOT NULL,
    emergency        boolean NOT NULL,
    reason           text NOT NULL,
    requested_at     timestamptz NOT NULL,
    delivery_due_at  timestamptz,
    status           text NOT NULL,
    answered_at      timestamptz,
    answer_ground    text,
    answer_reason    text,
    delivered_at     timestamptz,
    PRIMARY KEY (subject, assistance_id)
);

CREATE TABLE absorption (
    subject          text NOT NULL,
    absorbed         text NOT NULL,
    n                integer NOT NULL,
    absorbed_at      timestamptz NOT NULL,
    PRIMARY KEY (subject, absorbed)
);

CREATE TABLE commitment (
    subject          text NOT NULL,
    commitment_id    text NOT NULL,
    source           text NOT NULL,
    kind             text NOT NULL,
    debtor           text NOT NULL,
    creditor         text NOT NULL,
    what             text NOT NULL,
    due_at           timestamptz,
    status           text NOT NULL,
    made_at          timestamptz NOT NULL,
    source_event     uuid NOT NULL,
    rule             text,
    reported_at      timestamptz,
    fulfilled_at     timestamptz,
    breached_at      timestamptz,
    breached_due_at  timestamptz,
    escalated_to     text,
    escalation_level integer NOT NULL,
    escalate_at      timestamptz,
    due_recorded_at  timestamptz,
    breached_before  text[] NOT NULL,
    PRIMARY KEY (subject, commitment_id)
);
CREATE INDEX commitment_source ON commitment (subject, source);
CREATE INDEX commitment_pending ON commitment (due_at)
 WHERE status IN ('PROPOSED', 'OPEN', 'REPORTED');
-- What the deadlines service acts on next: what it has acted on leaves these by itself.
CREATE INDEX commitment_to_breach ON commitment (due_at)
 WHERE status IN ('OPEN', 'REPORTED')
   AND breached_due_at IS DISTINCT FROM due_at
   AND due_recorded_at < due_at;
CREATE INDEX commitment_to_lapse ON commitment (due_at)
 WHERE kind = 'TRANSFER_ANSWER' AND status = 'OPEN'
   AND breached_due_at = due_at
   AND due_recorded_at < due_at;
CREATE INDEX commitment_to_escalate ON commitment (escalate_at)
 WHERE status IN ('OPEN', 'REPORTED') AND escalate_at IS NOT NULL AND kind <> 'TRANSFER_ANSWER';
CREATE INDEX commitment_debtor ON commitment (debtor, due_at);
CREATE INDEX commitment_creditor ON commitment (creditor, due_at);

CREATE TABLE fine (
    subject          text NOT NULL,
    fine_id          text NOT NULL,
    debtor           text NOT NULL,
    clause_id        text NOT NULL,
    cause            text NOT NULL,
    amount           numeric(18, 2) NOT NULL,
    currency         text NOT NULL,
    imposed_at       timestamptz NOT NULL,
    status           text NOT NULL,
    was_contested    boolean NOT NULL,
    settled_at       timestamptz,
    PRIMARY KEY (subject, fine_id)
);
CREATE INDEX fine_debtor ON fine (debtor);

CREATE TABLE sanction (
    subject          text NOT NULL,
    n                integer NOT NULL,
    level            text NOT NULL,
    ground           text NOT NULL,
    from_date        date NOT NULL,
    to_date          date,
    decided_at       timestamptz NOT NULL,
    status           text NOT NULL,
    lifted_at        timestamptz,
    PRIMARY KEY (subject, n)
);

CREATE TABLE inspection (
    subject          text NOT NULL,
    n                integer NOT NULL,
    agency           text NOT NULL,
    severity         text NOT NULL,
    findings         text NOT NULL,
    about_case       text,
    inspected_at     timestamptz NOT NULL,
    PRIMARY KEY (subject, n)
);

CREATE TABLE deposit_draw (
    subject          text NOT NULL,
    n                integer NOT NULL,
    draw_id          text,
    agency           text NOT NULL,
    amount           numeric(18, 2) NOT NULL,
    about_case       text NOT NULL,
    reason           text NOT NULL,
    proposed_at      timestamptz NOT NULL,
    status           text NOT NULL,
    decided_amount   numeric(18, 2),
    decided_at       timestamptz,
    PRIMARY KEY (subject, n)
);

CREATE TABLE outreach (
    subject          text NOT NULL,
    n                integer NOT NULL,
    agency           text NOT NULL,
    kind             text NOT NULL,
    phase            text NOT NULL,
    region           text NOT NULL,
    participants     integer NOT NULL,
    partners         text[] NOT NULL,
    held_at          timestamptz NOT NULL,
    PRIMARY KEY (subject, n)
);
