-- Queries of projections/listing.py. {takes_part} is the rule of sql/rights.sql about the subject `it`.
-- Each begins behind the last item of the page before. Times are passed in.

-- name: subjects
-- Subjects that have a state. Of kinds whose status depends on the day all are given.
SELECT it.subject, it.events, it.irregular, it.duplicate, it.corrected, it.last_recorded_at, it.state
  FROM subject AS it
 WHERE it.subject > %(after)s
   AND it.state IS NOT NULL
   AND (%(kind)s::text IS NULL OR it.kind = %(kind)s)
   AND (%(status)s::text IS NULL
        OR it.kind IN ('agreement', 'agent', 'programme')
        OR it.state ->> 'status' = %(status)s)
   AND (%(custodian)s::text IS NULL OR it.custodian = %(custodian)s)
   AND (%(category)s::text IS NULL OR it.state ->> 'category' = %(category)s)
   AND (%(urgency)s::text IS NULL OR it.state ->> 'urgency' = %(urgency)s)
   AND (%(country)s::text IS NULL OR it.state ->> 'country' = %(country)s)
   AND (%(participant)s::text IS NULL OR it.state -> 'participants' ? %(participant)s)
   AND (%(overdue)s::boolean IS NULL
        OR %(overdue)s = EXISTS (
           SELECT FROM commitment
            WHERE commitment.subject = it.subject
              AND commitment.status IN ('OPEN', 'REPORTED') AND commitment.due_at < %(now)s))
   AND {takes_part}
 ORDER BY it.subject
 LIMIT %(limit)s;

-- name: commitments_due
SELECT one.subject, commitment_id, source, one.kind, debtor, creditor, what, due_at, status, made_at,
       source_event, rule, reported_at, fulfilled_at, breached_at, breached_due_at, escalated_to,
       escalation_level
  FROM commitment AS one
  JOIN subject AS it ON it.subject = one.subject
 WHERE (due_at, one.subject, commitment_id) > (%(due_at)s, %(subject)s, %(commitment_id)s)
   AND (%(debtor)s::text IS NULL OR debtor = %(debtor)s)
   AND (%(creditor)s::text IS NULL OR creditor = %(creditor)s)
   AND (NOT %(overdue)s OR (status IN ('OPEN', 'REPORTED') AND due_at < %(now)s))
   AND {takes_part}
 ORDER BY due_at, one.subject, commitment_id
 LIMIT %(limit)s;

-- name: commitments_never_due
-- Where no protocol was known nothing is due; these come last.
SELECT one.subject, commitment_id, source, one.kind, debtor, creditor, what, due_at, status, made_at,
       source_event, rule, reported_at, fulfilled_at, breached_at, breached_due_at, escalated_to,
       escalation_level
  FROM commitment AS one
  JOIN subject AS it ON it.subject = one.subject
 WHERE due_at IS NULL
   AND (one.subject, commitment_id) > (%(subject)s, %(commitment_id)s)
   AND (%(debtor)s::text IS NULL OR debtor = %(debtor)s)
   AND (%(creditor)s::text IS NULL OR creditor = %(creditor)s)
   AND {takes_part}
 ORDER BY one.subject, commitment_id
 LIMIT %(limit)s;
