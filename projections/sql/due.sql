-- Queries of projections/due.py. Times are passed in. Each walks an index of due dates from its
-- beginning and stops at the moment: what is not due yet is never looked at, however much it is.

-- name: to_breach
SELECT subject, commitment_id, due_at, rule, source_event
  FROM commitment
 WHERE status IN ('OPEN', 'REPORTED')
   AND breached_due_at IS DISTINCT FROM due_at
   AND due_recorded_at < due_at
   AND due_at <= %(moment)s
 ORDER BY due_at
 LIMIT %(limit)s;

-- name: to_lapse
-- Offers whose answer was breached: the breach stands in the log before the lapse.
SELECT subject, commitment_id, source, due_at, source_event
  FROM commitment
 WHERE kind = 'TRANSFER_ANSWER' AND status = 'OPEN'
   AND breached_due_at = due_at
   AND due_recorded_at < due_at
   AND due_at <= %(moment)s
 ORDER BY due_at
 LIMIT %(limit)s;

-- name: to_escalate
-- An offer's answer climbs no ladder: it lapses.
SELECT subject, commitment_id, debtor, due_at, escalate_at, escalation_level, source_event
  FROM commitment
 WHERE status IN ('OPEN', 'REPORTED') AND escalate_at IS NOT NULL AND kind <> 'TRANSFER_ANSWER'
   AND escalate_at <= %(moment)s
 ORDER BY escalate_at
 LIMIT %(limit)s;

-- name: transfers_to_escalate
-- In the index's order and one by one: the planner takes what is null for rare, and would rather
-- look at every case.
SELECT pending.subject, pending.transfer_id, failed.answered_at
  FROM (
           SELECT subject, escalation_pending AS transfer_id
             FROM subject
            WHERE kind = 'case' AND escalation_pending IS NOT NULL
            ORDER BY escalation_pending
            LIMIT %(limit)s
       ) AS pending
 CROSS JOIN LATERAL (
           SELECT transfer.answered_at
             FROM transfer
            WHERE transfer.subject = pending.subject
              AND transfer.transfer_id = pending.transfer_id
            LIMIT 1
       ) AS failed
 WHERE failed.answered_at <= %(moment)s
 ORDER BY failed.answered_at;

-- name: recorded
-- Which of these ids an authentic record of the ledger itself has taken already.
SELECT event_id
  FROM history
 WHERE event_id = ANY (%(event_ids)s::uuid[])
   AND agency = %(agency)s
   AND signature IN ('VALID', 'UNSIGNED');

-- name: owed_between
-- What is still to be done, due after one moment and by another, and recorded by a third.
SELECT subject, commitment_id, debtor, due_at
  FROM commitment
 WHERE status = 'OPEN'
   AND due_at > %(after)s AND due_at <= %(until)s
   AND due_recorded_at <= %(known)s
 ORDER BY due_at;

-- name: reminded_until
SELECT reminded_until FROM deadline_cursor WHERE span = %(span)s;

-- name: move_cursor
INSERT INTO deadline_cursor (span, reminded_until)
VALUES (%(span)s, %(until)s)
ON CONFLICT (span) DO UPDATE SET reminded_until = EXCLUDED.reminded_until;

-- name: log_time
-- The latest time of any record that was projected.
SELECT max(recorded_at) FROM position;

-- name: announced
-- The latest directory record that was announced where it is projected.
SELECT max(directory_offset) FROM position;
