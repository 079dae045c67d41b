-- Queries of projections/registers.py, each on the stable view of its name ({views}), in the order of its
-- key, behind the last row of the page before. {takes_part} is the rule of sql/rights.sql about the
-- subject `it`.

-- name: letter
SELECT one.subject, one.letter_id, one.sender, one.number, one.dated, one.doc_type,
       one.urgency, one.title, one.to_agencies, one.cc_agencies, one.reply_expected,
       one.in_reply_to, one.sent_at, one.received_by, one.disposed_by, one.settled_by,
       one.reminders
  FROM {views}.letter AS one
  JOIN subject AS it ON it.subject = one.subject
 WHERE (one.subject, one.letter_id) > (%(after_subject)s, %(after)s)
   AND (%(subject)s::text IS NULL OR one.subject = %(subject)s)
   AND (%(sender)s::text IS NULL OR one.sender = %(sender)s)
   AND (%(to)s::text IS NULL OR %(to)s = ANY (one.to_agencies))
   AND {takes_part}
 ORDER BY one.subject, one.letter_id
 LIMIT %(limit)s;

-- name: transfer
SELECT one.subject, one.transfer_id, one.from_agency, one.to_agency, one.ground, one.reason,
       one.offered_at, one.status, one.answered_at, one.answer_ground, one.answer_reason
  FROM {views}.transfer AS one
  JOIN subject AS it ON it.subject = one.subject
 WHERE (one.subject, one.transfer_id) > (%(after_subject)s, %(after)s)
   AND (%(subject)s::text IS NULL OR one.subject = %(subject)s)
   AND (%(from)s::text IS NULL OR one.from_agency = %(from)s)
   AND (%(to)s::text IS NULL OR one.to_agency = %(to)s)
   AND (%(status)s::text IS NULL OR one.status = %(status)s)
   AND {takes_part}
 ORDER BY one.subject, one.transfer_id
 LIMIT %(limit)s;

-- name: contact
SELECT one.subject, one.contact_id, one.agency, one.mode, one.direction, one.with_agencies,
       one.summary, one.duration_s, one.logged_at, one.agreed_by, one.disputed_by
  FROM {views}.contact AS one
  JOIN subject AS it ON it.subject = one.subject
 WHERE (one.subject, one.contact_id) > (%(after_subject)s, %(after)s)
   AND (%(subject)s::text IS NULL OR one.subject = %(subject)s)
   AND (%(agency)s::text IS NULL OR one.agency = %(agency)s)
   AND (%(with)s::text IS NULL OR %(with)s = ANY (one.with_agencies))
   AND {takes_part}
 ORDER BY one.subject, one.contact_id
 LIMIT %(limit)s;

-- name: assistance
SELECT one.subject, one.assistance_id, one.kind, one.requester, one.provider, one.emergency,
       one.reason, one.requested_at, one.delivery_due_at, one.status, one.answered_at,
       one.answer_ground, one.answer_reason, one.delivered_at
  FROM {views}.assistance AS one
  JOIN subject AS it ON it.subject = one.subject
 WHERE (one.subject, one.assistance_id) > (%(after_subject)s, %(after)s)
   AND (%(subject)s::text IS NULL OR one.subject = %(subject)s)
   AND (%(provider)s::text IS NULL OR one.provider = %(provider)s)
   AND (%(requester)s::text IS NULL OR one.requester = %(requester)s)
   AND (%(status)s::text IS NULL OR one.status = %(status)s)
   AND {takes_part}
 ORDER BY one.subject, one.assistance_id
 LIMIT %(limit)s;

-- name: decision
SELECT one.subject, one.decision_id, one.meeting, one.agency, one.text, one.adopters,
       one.follow_up, one.decided_at
  FROM {views}.decision AS one
  JOIN subject AS it ON it.subject = one.subject
 WHERE (one.subject, one.decision_id) > (%(after_subject)s, %(after)s)
   AND (%(subject)s::text IS NULL OR one.subject = %(subject)s)
   AND (%(meeting)s::text IS NULL OR one.meeting = %(meeting)s)
   AND (%(agency)s::text IS NULL OR one.agency = %(agency)s)
   AND {takes_part}
 ORDER BY one.subject, one.decision_id
 LIMIT %(limit)s;

-- name: fine
SELECT one.subject, one.fine_id, one.debtor, one.clause_id, one.cause, one.amount,
       one.currency, one.status, one.imposed_at, one.due_at, one.is_owed, one.was_contested,
       one.settled_at
  FROM {views}.fine AS one
  JOIN subject AS it ON it.subject = one.subject
 WHERE (one.subject, one.fine_id) > (%(after_subject)s, %(after)s)
   AND (%(subject)s::text IS NULL OR one.subject = %(subject)s)
   AND (%(debtor)s::text IS NULL OR one.debtor = %(debtor)s)
   AND (%(status)s::text IS NULL OR one.status = %(status)s)
   AND {takes_part}
 ORDER BY one.subject, one.fine_id
 LIMIT %(limit)s;

-- name: custody_interval
SELECT one.subject, one.n, one.agency, one.started_at, one.ended_at, one.event_id
  FROM {views}.custody_interval AS one
  JOIN subject AS it ON it.subject = one.subject
 WHERE (one.subject, one.n) > (%(after_subject)s, %(after)s::integer)
   AND (%(subject)s::text IS NULL OR one.subject = %(subject)s)
   AND (%(agency)s::text IS NULL OR one.agency = %(agency)s)
   AND {takes_part}
 ORDER BY one.subject, one.n
 LIMIT %(limit)s;

-- name: data_share
SELECT one.subject, one.event_id, one.share_id, one.agency, one.to_agencies, one.fields,
       one.purpose, one.lawful_basis, one.agreement, one.shared_at
  FROM {views}.data_share AS one
  JOIN subject AS it ON it.subject = one.subject
 WHERE (one.subject, one.event_id) > (%(after_subject)s, %(after)s::uuid)
   AND (%(subject)s::text IS NULL OR one.subject = %(subject)s)
   AND (%(agency)s::text IS NULL OR one.agency = %(agency)s)
   AND (%(to)s::text IS NULL OR %(to)s = ANY (one.to_agencies))
   AND {takes_part}
 ORDER BY one.subject, one.event_id
 LIMIT %(limit)s;
