-- What is not made from the log and outlives the read models: nobody can build it again.
-- Created in the schema that the search path names first, and brought up to a new release by running
-- all of this again: every statement only adds what is not there.

-- The outbox of notices (projections/notices.py).
CREATE TABLE IF NOT EXISTS notice (
    notice_id        uuid PRIMARY KEY,
    agency           text NOT NULL,
    kind             text NOT NULL,
    subject          text NOT NULL,
    about            text NOT NULL,
    due_at           timestamptz,
    made_at          timestamptz NOT NULL
);

-- Up to which due date each span of the protocol's reminders was gone through.
CREATE TABLE IF NOT EXISTS deadline_cursor (
    span             text PRIMARY KEY,
    reminded_until   timestamptz NOT NULL
);
