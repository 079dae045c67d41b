-- Queries of projections/rights.py.

-- name: takes_part
-- Whether the subject `it` may be seen by readers of an agency (null: by those who see everything).
-- Agents and programmes are registers for all. What has no state is seen by who emitted on it. Else the
-- agency has to be named in the state, or to owe or be owed something there; on meetings and
-- agreements also an event of its own counts (on cases its emitter is named in the state). Cases, which
-- are most, are looked at for what their states have alone: each look takes a state apart.
-- OFFSET 0: asked for one subject after the other, and never by reading a whole table beforehand.
CASE
  WHEN {agency}::text IS NULL THEN true
  WHEN it.state IS NULL THEN EXISTS (
       SELECT FROM history
        WHERE history.subject = it.subject AND history.agency = {agency}
          AND history.signature IN ('VALID', 'UNSIGNED')
       OFFSET 0)
  WHEN it.kind IN ('agent', 'programme') THEN true
  WHEN it.kind = 'case' THEN it.state -> 'participants' ? {agency}
       OR it.state ->> 'arbiter' = {agency}
       OR EXISTS (
          SELECT FROM commitment
           WHERE commitment.subject = it.subject
             AND {agency} IN (commitment.debtor, commitment.creditor)
          OFFSET 0)
  ELSE {agency} IN (it.state ->> 'chair', it.state ->> 'secretariat')
       OR it.state -> 'invitees' ? {agency}
       OR it.state -> 'minutes_adopters' ? {agency}
       OR it.state -> 'parties' ? {agency}
       OR it.state -> 'attendance' @> jsonb_build_array(jsonb_build_object('agency', {agency}::text))
       OR EXISTS (
          SELECT FROM commitment
           WHERE commitment.subject = it.subject
             AND {agency} IN (commitment.debtor, commitment.creditor)
          OFFSET 0)
       OR EXISTS (
          SELECT FROM history
           WHERE history.subject = it.subject AND history.agency = {agency}
             AND history.verdict = 'EFFECTIVE'
          OFFSET 0)
END;

-- name: visible
SELECT it.subject
  FROM subject AS it
 WHERE it.subject = ANY (%(subjects)s) AND {takes_part};

-- name: all_visible
SELECT it.subject
  FROM subject AS it
 WHERE {takes_part};

-- name: pairs
SELECT it.subject, asked.agency
  FROM subject AS it
 CROSS JOIN unnest(%(agencies)s::text[]) AS asked (agency)
 WHERE it.subject = ANY (%(subjects)s) AND {takes_part};

-- name: guarded
SELECT subject, seq, event_id, type, agency, occurred_at, recorded_at, partition, "offset",
       directory_offset, verdict, codes, differs, signature, schema_id, body
  FROM history
 WHERE subject = ANY (%(subjects)s) AND security <> 'ORDINARY'
 ORDER BY subject, seq;

-- name: guarded_subjects
SELECT DISTINCT subject FROM history WHERE security <> 'ORDINARY';

-- name: custodians
-- Every agency that ever had a case.
SELECT subject, array_agg(DISTINCT agency)
  FROM custody_interval
 WHERE subject = ANY (%(subjects)s)
 GROUP BY subject;
