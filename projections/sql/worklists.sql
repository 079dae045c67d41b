-- Queries of projections/worklists.py: what is to be looked at, in figures and as lists. {takes_part} is the
-- rule of sql/rights.sql about the subject `it`, which {of_subject} joins to the rows of `one` for whoever
-- does not see all; {views} is the schema of the stable views. Times are passed in. A list says with each row how many rows there are.

-- name: open_cases
-- With since how many of some moments no agency did anything effective on them, which is what case_movement
-- says, asked for one case after the other; and with how many are to be escalated. Open is what has a
-- custodian now (events.md §4): a small index knows them. What is counted is narrow, as of cases.
WITH open AS MATERIALIZED (
    SELECT one.subject, one.status, one.urgency, one.escalation_due
      FROM custody_interval AS running
      JOIN {views}.case_current AS one ON one.subject = running.subject
      {of_subject}
     WHERE running.ended_at IS NULL AND {takes_part}
), moved AS MATERIALIZED (
    SELECT open.status, open.urgency, open.escalation_due,
           (SELECT max(history.occurred_at)
              FROM history
             WHERE history.subject = open.subject
               AND history.verdict = 'EFFECTIVE'
               AND history.agency <> 'runut') AS moved_at
      FROM open
)
SELECT moved.status, moved.urgency, still.passed, count(*),
       count(*) FILTER (WHERE moved.escalation_due)
  FROM moved
 CROSS JOIN LATERAL (
       SELECT count(*) AS passed
         FROM unnest(%(still_since)s::timestamptz[]) AS asked (at)
        WHERE moved.moved_at <= asked.at
       ) AS still
 GROUP BY 1, 2, 3;

-- name: overdue_by_agency
SELECT one.debtor, count(*), min(one.due_at)
  FROM commitment AS one
  {of_subject}
 WHERE one.status IN ('OPEN', 'REPORTED') AND one.due_at < %(now)s
   AND {takes_part}
 GROUP BY one.debtor
 ORDER BY 2 DESC, 1;

-- name: owed_by_agency
-- What is late, as above, with how much is due in the day that the moment is in.
SELECT one.debtor, count(*) FILTER (WHERE one.due_at < %(now)s),
       min(one.due_at) FILTER (WHERE one.due_at < %(now)s),
       count(*) FILTER (WHERE one.due_at >= %(since)s)
  FROM commitment AS one
  {of_subject}
 WHERE one.status IN ('OPEN', 'REPORTED') AND one.due_at < %(until)s
   AND {takes_part}
 GROUP BY one.debtor
 ORDER BY 2 DESC, 1;

-- name: bounced
-- Offers that were refused or lapsed since a moment.
SELECT count(*)
  FROM {views}.transfer AS one
  {of_subject}
 WHERE one.status IN ('REFUSED', 'LAPSED') AND one.answered_at >= %(since)s
   AND {takes_part};

-- name: unsealed
-- Projected events that no seal covers yet.
SELECT coalesce(sum(greatest(position.next_offset - coalesce(sealed.size, 0), 0)), 0),
       max(position.recorded_at)
  FROM position
  LEFT JOIN unnest(%(partitions)s::integer[], %(sizes)s::bigint[]) AS sealed (partition, size)
    ON sealed.partition = position.partition;

-- name: cases
-- The most urgent first, of these those that wait longest. What is sorted and counted is narrow: all that
-- a row shows is read of one part of the list alone.
WITH wanted AS MATERIALIZED (
    SELECT one.subject, one.opened_at,
           array_position(ARRAY['IMMEDIATE', 'URGENT', 'NORMAL'], one.urgency) AS rank
      FROM {views}.case_current AS one
      {of_subject}
      LEFT JOIN (
           SELECT commitment.subject
             FROM commitment
            WHERE commitment.status IN ('OPEN', 'REPORTED') AND commitment.due_at < %(now)s
            GROUP BY commitment.subject
           ) AS late ON late.subject = one.subject AND %(overdue)s
      LEFT JOIN {views}.case_movement AS movement
        ON movement.subject = one.subject AND %(still_since)s::timestamptz IS NOT NULL
     WHERE (NOT %(is_open)s OR one.is_open)
       AND (%(status)s::text IS NULL OR one.status = %(status)s)
       AND (%(urgency)s::text IS NULL OR one.urgency = %(urgency)s)
       AND (%(category)s::text IS NULL OR one.category = %(category)s)
       AND (%(country)s::text IS NULL OR one.country = %(country)s)
       AND (%(custodian)s::text IS NULL OR one.custodian = %(custodian)s)
       AND (%(participant)s::text IS NULL OR %(participant)s = ANY (one.participants))
       AND (NOT %(overdue)s OR late.subject IS NOT NULL)
       AND (NOT %(to_escalate)s OR (one.is_open AND one.escalation_due))
       AND (%(still_since)s::timestamptz IS NULL OR movement.moved_at <= %(still_since)s)
       AND {takes_part}
), part AS (
    SELECT subject, rank, opened_at
      FROM wanted
     ORDER BY rank, opened_at, subject
     LIMIT %(limit)s OFFSET %(offset)s
)
SELECT one.subject, one.status, one.custodian, one.category, one.urgency, one.country,
       one.trafficking, one.escalation_due, one.opened_at, one.last_recorded_at,
       owed.open, owed.overdue, owed.next_due_at, (SELECT count(*) FROM wanted) AS total
  FROM part
  JOIN {views}.case_current AS one ON one.subject = part.subject
 CROSS JOIN LATERAL (
       SELECT count(*) AS open, min(commitment.due_at) AS next_due_at,
              count(*) FILTER (WHERE commitment.due_at < %(now)s) AS overdue
         FROM commitment
        WHERE commitment.subject = part.subject AND commitment.status IN ('OPEN', 'REPORTED')
       ) AS owed
 ORDER BY part.rank, part.opened_at, part.subject;

-- name: commitments
-- Those due first come first.
SELECT one.subject, one.commitment_id, one.kind, one.debtor, one.creditor, one.what, one.due_at,
       one.status, one.rule, coalesce(one.status IN ('OPEN', 'REPORTED') AND one.due_at < %(now)s,
       false) AS overdue, count(*) OVER () AS total
  FROM commitment AS one
  {of_subject}
 WHERE one.status IN ('OPEN', 'REPORTED')
   AND (%(debtor)s::text IS NULL OR one.debtor = %(debtor)s)
   AND (%(creditor)s::text IS NULL OR one.creditor = %(creditor)s)
   AND (NOT %(overdue)s OR one.due_at < %(now)s)
   AND (%(since)s::timestamptz IS NULL OR one.due_at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR one.due_at < %(until)s)
   AND {takes_part}
 ORDER BY one.due_at NULLS LAST, one.subject, one.commitment_id
 LIMIT %(limit)s OFFSET %(offset)s;

-- name: pending
-- What an agency owes or awaits, with what is proposed to it; those due first come first. Each row says
-- how many of all are past their limits.
SELECT one.subject, one.commitment_id, one.kind, one.debtor, one.creditor, one.what, one.due_at,
       one.status, was.overdue, count(*) FILTER (WHERE was.overdue) OVER () AS total_overdue,
       count(*) OVER () AS total
  FROM commitment AS one
  {of_subject}
 CROSS JOIN LATERAL (
       SELECT coalesce(one.status <> 'PROPOSED' AND one.due_at < %(now)s, false) AS overdue
       ) AS was
 WHERE one.status IN ('PROPOSED', 'OPEN', 'REPORTED')
   AND (%(debtor)s::text IS NULL OR one.debtor = %(debtor)s)
   AND (%(creditor)s::text IS NULL OR one.creditor = %(creditor)s)
   AND {takes_part}
 ORDER BY one.due_at NULLS LAST, one.subject, one.commitment_id
 LIMIT %(limit)s OFFSET %(offset)s;

-- name: held
-- Open cases of a custodian, the most urgent and oldest first.
SELECT one.subject, it.state ->> 'status' AS status, it.state ->> 'category' AS category,
       it.state ->> 'urgency' AS urgency, one.started_at AS since,
       (it.state ->> 'opened_at')::timestamptz AS opened_at, count(*) OVER () AS total
  FROM custody_interval AS one
  JOIN subject AS it ON it.subject = one.subject
 WHERE one.agency = %(custodian)s AND one.ended_at IS NULL AND {takes_part}
 ORDER BY array_position(ARRAY['IMMEDIATE', 'URGENT', 'NORMAL'], it.state ->> 'urgency'), 6,
       one.subject
 LIMIT %(limit)s OFFSET %(offset)s;

-- name: transfers
-- The latest first. What is sorted and counted is narrow, as of cases.
WITH wanted AS MATERIALIZED (
    SELECT one.subject, one.transfer_id, coalesce(one.answered_at, one.offered_at) AS moved_at
      FROM {views}.transfer AS one
      {of_subject}
     WHERE (NOT %(bounced)s OR one.status IN ('REFUSED', 'LAPSED'))
       AND (%(since)s::timestamptz IS NULL OR one.answered_at >= %(since)s)
       AND (%(agency)s::text IS NULL OR %(agency)s IN (one.from_agency, one.to_agency))
       AND {takes_part}
), part AS (
    SELECT subject, transfer_id, moved_at
      FROM wanted
     ORDER BY moved_at DESC, subject, transfer_id
     LIMIT %(limit)s OFFSET %(offset)s
)
SELECT one.subject, one.transfer_id, one.from_agency, one.to_agency, one.ground, one.reason,
       one.offered_at, one.status, one.answered_at, one.answer_ground, one.answer_reason,
       (SELECT count(*) FROM wanted) AS total
  FROM part
  JOIN {views}.transfer AS one USING (subject, transfer_id)
 ORDER BY part.moved_at DESC, subject, transfer_id;

-- name: letters
-- The latest first. Text is looked for in titles and numbers.
WITH wanted AS MATERIALIZED (
    SELECT one.subject, one.letter_id, one.sent_at
      FROM {views}.letter AS one
      {of_subject}
     WHERE (%(agency)s::text IS NULL
            OR one.sender = %(agency)s OR %(agency)s = ANY (one.to_agencies))
       AND (NOT %(unanswered)s OR (one.reply_expected AND NOT one.to_agencies <@ one.settled_by))
       AND (%(text)s::text IS NULL
            OR (strpos(lower(one.title), lower(%(text)s)) > 0
                OR strpos(lower(one.number), lower(%(text)s)) > 0)
               AND (%(is_auditor)s OR NOT EXISTS (
                    SELECT FROM history
                     WHERE history.subject = one.subject AND history.security <> 'ORDINARY')
                    AND one.subject <> ALL (%(guarded_now)s::text[])))
       AND {takes_part}
), part AS (
    SELECT subject, letter_id, sent_at
      FROM wanted
     ORDER BY sent_at DESC, subject, letter_id
     LIMIT %(limit)s OFFSET %(offset)s
)
SELECT one.subject, one.letter_id, one.sender, one.number, one.dated, one.doc_type, one.urgency,
       one.title, one.to_agencies, one.cc_agencies, one.reply_expected, one.in_reply_to,
       one.sent_at, one.received_by, one.disposed_by, one.settled_by, one.reminders,
       (SELECT count(*) FROM wanted) AS total
  FROM part
  JOIN {views}.letter AS one USING (subject, letter_id)
 ORDER BY part.sent_at DESC, subject, letter_id;

-- name: held_by_agency
SELECT one.agency, count(*)
  FROM custody_interval AS one
  {of_subject}
 WHERE one.ended_at IS NULL AND {takes_part}
 GROUP BY one.agency;

-- name: monthly
-- Agencies' months before a day: the median hours of their answers, and their shares of commitments
-- kept: those of indicator_monthly, of all instruments together. It takes no longer for all agencies
-- than for one.
WITH clock AS MATERIALIZED (SELECT zone FROM {views}.known_until)
SELECT to_agency, month, 'RESPONSE_HOURS',
       percentile_cont(0.5) WITHIN GROUP (
           ORDER BY (extract(epoch FROM answered_at - tied_at) / 3600)::double precision
       )
  FROM {views}.agency_tie
 CROSS JOIN clock
 CROSS JOIN LATERAL (
       SELECT date_trunc('month', tied_at AT TIME ZONE clock.zone)::date AS month
       ) AS tied
 WHERE awaits_answer AND answered_at IS NOT NULL
   AND month >= %(since)s AND month < %(until)s
 GROUP BY to_agency, month
 UNION ALL
SELECT debtor, month, 'COMMITMENTS_KEPT', avg((outcome = 'KEPT')::integer)::double precision
  FROM {views}.commitment_outcome
 CROSS JOIN clock
 CROSS JOIN LATERAL (
       SELECT date_trunc('month', due_at AT TIME ZONE clock.zone)::date AS month
       ) AS due
 WHERE outcome IN ('KEPT', 'LATE', 'BROKEN')
   AND month >= %(since)s AND month < %(until)s
 GROUP BY debtor, month;

-- name: edges
-- Ties of a period from agency to agency, counted. Figures are for all readers.
SELECT from_agency, to_agency, kind, count(*), count(answered_at),
       (extract(epoch FROM
           percentile_cont(0.5) WITHIN GROUP (ORDER BY answered_at - tied_at)
               FILTER (WHERE answered_at >= tied_at)
       ) / 3600)::double precision
  FROM {views}.agency_tie
 WHERE (%(since)s::timestamptz IS NULL OR tied_at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR tied_at < %(until)s)
   AND (%(kind)s::text IS NULL OR kind = %(kind)s)
 GROUP BY from_agency, to_agency, kind
 ORDER BY count(*) DESC, from_agency, to_agency, kind;

-- name: subjects_like
-- By id, or by title or name where nothing on it is guarded. What begins with the text comes first.
SELECT it.subject, it.kind, coalesce(it.state ->> 'title', it.state ->> 'name',
       it.state -> 'service_point' ->> 'name') AS title, it.state ->> 'status' AS status,
       count(*) OVER () AS total
  FROM subject AS it
 WHERE it.kind <> 'agency'
   AND (strpos(lower(it.subject), lower(%(text)s)) > 0
        OR strpos(lower(coalesce(it.state ->> 'title', it.state ->> 'name',
                  it.state -> 'service_point' ->> 'name', '')), lower(%(text)s)) > 0
           AND (%(is_auditor)s OR NOT EXISTS (
                SELECT FROM history
                 WHERE history.subject = it.subject AND history.security <> 'ORDINARY')))
   AND {takes_part}
 ORDER BY strpos(lower(it.subject), lower(%(text)s)) <> strpos(it.subject, '/') + 1, it.subject
 LIMIT %(limit)s OFFSET %(offset)s;

-- name: events_with_id
SELECT history.subject, history.seq, history.type, count(*) OVER () AS total
  FROM history
  JOIN subject AS it ON it.subject = history.subject
 WHERE history.event_id = %(event_id)s AND {takes_part}
 ORDER BY history.subject, history.seq
 LIMIT %(limit)s OFFSET %(offset)s;
