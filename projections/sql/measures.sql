-- What coordination is measured by. Each of these is a stable view (views/measures.sql) and, word
-- for word, what `runut indicators` and `runut meetings` ask, now or as of a past moment
-- (projections/measures.py). So no table is named by its schema, and no clock is read: `known_until`
-- says up to which moment the tables know. Only that one is filled in from outside: {moment}.

-- name: latest_record
-- The moment up to which the present tables know.
(SELECT greatest(
            (SELECT max(recorded_at) FROM position),
            (SELECT to_timestamp(max(timestamp_ms) / 1000.0) FROM directory_record)
        ))

-- name: known_until
SELECT asked.moment,
       coalesce(
           (SELECT protocol.timezone
              FROM protocol
              JOIN directory_record USING ("offset")
             WHERE to_timestamp(directory_record.timestamp_ms / 1000.0) <= asked.moment
               AND protocol.effective_from <= asked.moment
             ORDER BY protocol.effective_from DESC, protocol."offset" DESC
             LIMIT 1),
           'Asia/Jakarta'
       ) AS zone
  FROM (SELECT {moment}::timestamptz AS moment) AS asked

-- name: case_current
-- Measures nothing (views/case.sql): lists of a past moment read it as well.
SELECT subject.subject,
       split_part(subject.subject, '/', 2) AS case_id,
       state ->> 'status' AS status,
       state ->> 'status' NOT IN ('CLOSED', 'REJECTED', 'MERGED') AS is_open,
       subject.custodian,
       (state -> 'interval' ->> 'started_at')::timestamptz AS custodian_since,
       state ->> 'reporter' AS reporter,
       state ->> 'category' AS category,
       state ->> 'urgency' AS urgency,
       state ->> 'phase' AS phase,
       state ->> 'country' AS country,
       (state ->> 'trafficking')::boolean AS trafficking,
       ARRAY(SELECT jsonb_array_elements_text(state -> 'participants')) AS participants,
       transfer.transfer_id AS open_transfer_id,
       transfer.to_agency AS open_transfer_to,
       (state ->> 'failed_offers')::integer >= 2 AS escalation_due,
       state ->> 'arbiter' AS arbiter,
       ARRAY(SELECT jsonb_array_elements_text(state -> 'locally_closed_by')) AS locally_closed_by,
       state ->> 'merged_into' AS merged_into,
       (state ->> 'absorbed')::integer AS absorbed,
       (state ->> 'open_commitments')::integer AS open_commitments,
       (state ->> 'opened_at')::timestamptz AS opened_at,
       (state ->> 'closed_at')::timestamptz AS closed_at,
       subject.events,
       subject.irregular,
       subject.duplicate,
       subject.corrected,
       subject.last_recorded_at
  FROM subject
  LEFT JOIN transfer
         ON transfer.subject = subject.subject
        AND transfer.transfer_id = state ->> 'open_transfer'
 WHERE subject.kind = 'case' AND state IS NOT NULL

-- name: commitment_outcome
-- What a promise was made from is one row always, so whoever asks for none of it looks for nothing.
SELECT commitment.subject, commitment.commitment_id, commitment.kind,
       CASE
           WHEN commitment.kind IN (
               'LETTER_REPLY', 'TRANSFER_ANSWER', 'ASSISTANCE_ANSWER', 'ASSISTANCE_DELIVERY'
           ) THEN 'LETTER'
           WHEN commitment.kind = 'MINUTES' THEN 'MEETING'
           WHEN commitment.kind IN ('CLAUSE', 'FINE_PAYMENT') THEN 'AGREEMENT'
           WHEN made.source_kind = 'DECISION' THEN 'MEETING'
           WHEN made.source_kind IN ('LETTER', 'AGREEMENT', 'CONTACT') THEN made.source_kind
       END AS instrument,
       commitment.debtor, commitment.creditor, commitment.made_at, commitment.due_at,
       CASE
           WHEN commitment.status = 'FULFILLED' AND commitment.fulfilled_at > commitment.due_at
           THEN 'LATE'
           WHEN commitment.status = 'FULFILLED' THEN 'KEPT'
           WHEN commitment.status = 'LAPSED' THEN 'BROKEN'
           WHEN commitment.status IN ('PROPOSED', 'DECLINED', 'CANCELLED') THEN 'VOID'
           WHEN commitment.due_at < known_until.moment
            AND NOT coalesce(
                    commitment.status = 'REPORTED' AND commitment.reported_at <= commitment.due_at,
                    false
                )
           THEN 'BROKEN'
           ELSE 'PENDING'
       END AS outcome,
       made.source_kind, made.source_ref
  FROM commitment
 CROSS JOIN known_until
  LEFT JOIN LATERAL (
       SELECT max(history.data ->> 'source_kind') AS source_kind,
              max(history.data ->> 'source_ref') AS source_ref
         FROM history
        WHERE commitment.kind = 'PROMISE'
          AND history.event_id = commitment.source_event
          AND history.subject = commitment.subject
          AND history.verdict = 'EFFECTIVE'
          AND history.data ->> 'commitment_id' = commitment.commitment_id
       ) AS made ON true

-- name: decision_outcome
SELECT decision.subject, decision.decision_id, decision.meeting, decision.agency,
       decision.decided_at, 'MEETING' AS instrument,
       count(owed.commitment_id) FILTER (WHERE owed.outcome <> 'VOID') AS commitments,
       CASE
           WHEN bool_or(owed.outcome = 'BROKEN') THEN 'BROKEN'
           WHEN bool_or(owed.outcome = 'PENDING') THEN 'PENDING'
           WHEN bool_or(owed.outcome IN ('KEPT', 'LATE')) THEN 'CARRIED_OUT'
           WHEN decision.follow_up = 'COMMITMENTS' THEN 'NOT_TAKEN_UP'
           ELSE 'NO_ACTION'
       END AS outcome
  FROM decision
  LEFT JOIN commitment_outcome AS owed
         ON owed.subject = decision.subject
        AND owed.source_kind = 'DECISION'
        AND owed.source_ref = decision.decision_id
 GROUP BY decision.subject, decision.decision_id, decision.meeting, decision.agency,
          decision.decided_at, decision.follow_up

-- name: case_movement
-- What the ledger itself writes (breaches, escalations) moves no case.
SELECT subject.subject, subject.custodian,
       max(history.occurred_at) AS moved_at
  FROM subject
  JOIN history ON history.subject = subject.subject
 WHERE subject.kind = 'case'
   AND subject.state ->> 'status' NOT IN ('CLOSED', 'REJECTED', 'MERGED')
   AND history.verdict = 'EFFECTIVE'
   AND history.agency <> 'runut'
 GROUP BY subject.subject, subject.custodian

-- name: agency_tie
WITH tie AS (
    SELECT letter.subject, letter.letter_id AS ref, 'LETTER' AS kind, 'LETTER' AS instrument,
           letter.sender AS from_agency, addressee AS to_agency, letter.sent_at AS tied_at,
           letter.reply_expected AS awaits_answer, reply.fulfilled_at AS answered_at
      FROM letter
     CROSS JOIN unnest(letter.to_agencies) AS addressee
      LEFT JOIN commitment AS reply
             ON reply.subject = letter.subject
            AND reply.commitment_id = 'LETTER_REPLY:' || letter.letter_id || ':' || addressee
     UNION ALL
    SELECT subject, transfer_id, 'TRANSFER', 'LETTER', from_agency, to_agency, offered_at, true,
           CASE WHEN status IN ('ACCEPTED', 'REFUSED') THEN answered_at END
      FROM transfer
     UNION ALL
    SELECT subject, assistance_id, 'ASSISTANCE', 'LETTER', requester, provider, requested_at, true,
           answered_at
      FROM assistance
     UNION ALL
    SELECT contact.subject, contact.contact_id, 'CONTACT', 'CONTACT',
           CASE contact.direction WHEN 'INCOMING' THEN partner ELSE contact.agency END,
           CASE contact.direction WHEN 'INCOMING' THEN contact.agency ELSE partner END,
           contact.logged_at, false, NULL
      FROM contact
     CROSS JOIN unnest(contact.with_agencies) AS partner
     WHERE partner <> ALL (contact.disputed_by)
     UNION ALL
    SELECT subject, event_id::text, 'DATA', 'DATA', agency, receiver, occurred_at, false, NULL
      FROM history
     CROSS JOIN LATERAL (
           SELECT DISTINCT jsonb_array_elements_text(history.data -> 'to') AS receiver
           ) AS given
     WHERE type = 'DataShared' AND verdict = 'EFFECTIVE'
     UNION ALL
    SELECT promise.subject, promise.commitment_id, 'PROMISE', promise.instrument, promise.debtor,
           promise.creditor, promise.made_at, false, commitment.fulfilled_at
      FROM commitment_outcome AS promise
      JOIN commitment USING (subject, commitment_id)
     WHERE promise.kind = 'PROMISE' AND commitment.status NOT IN ('PROPOSED', 'DECLINED')
     UNION ALL
    SELECT DISTINCT meeting.subject, split_part(meeting.subject, '/', 2), 'MEETING', 'MEETING',
           one.agency, other.agency, (meeting.state ->> 'started_at')::timestamptz, false,
           NULL::timestamptz
      FROM subject AS meeting
     CROSS JOIN LATERAL jsonb_to_recordset(meeting.state -> 'attendance')
             AS one (agency text, status text)
     CROSS JOIN LATERAL jsonb_to_recordset(meeting.state -> 'attendance')
             AS other (agency text, status text)
     WHERE meeting.kind = 'meeting'
       AND one.status IN ('PRESENT', 'DELEGATED')
       AND other.status IN ('PRESENT', 'DELEGATED')
     UNION ALL
    SELECT agreement.subject, split_part(agreement.subject, '/', 2), 'AGREEMENT', 'AGREEMENT',
           one, other,
           (agreement.state ->> 'signed_on')::timestamp
               AT TIME ZONE (agreement.state ->> 'timezone'),
           false, NULL
      FROM subject AS agreement
     CROSS JOIN LATERAL jsonb_array_elements_text(agreement.state -> 'signed') AS one
     CROSS JOIN LATERAL jsonb_array_elements_text(agreement.state -> 'signed') AS other
     WHERE agreement.kind = 'agreement' AND agreement.state ->> 'signed_on' IS NOT NULL
)
SELECT subject, kind, ref, instrument, from_agency, to_agency, tied_at, awaits_answer, answered_at,
       kind NOT IN ('MEETING', 'AGREEMENT') AS is_directed
  FROM tie
 WHERE from_agency <> to_agency

-- name: agency_edge
SELECT from_agency, to_agency, kind,
       count(*) AS count,
       count(answered_at) AS answered,
       (extract(epoch FROM
           percentile_cont(0.5) WITHIN GROUP (ORDER BY answered_at - tied_at)
               FILTER (WHERE answered_at >= tied_at)
       ) / 3600)::double precision AS median_answer_hours,
       instrument,
       (extract(epoch FROM
           percentile_cont(0.9) WITHIN GROUP (ORDER BY answered_at - tied_at)
               FILTER (WHERE answered_at >= tied_at)
       ) / 3600)::double precision AS p90_answer_hours
  FROM agency_tie
 GROUP BY from_agency, to_agency, kind, instrument

-- name: meeting_series
-- An occasion is a day on which a protocol wants a meeting of a series. Of the meetings held after the
-- occasion before and before the next, it is served by the first that serves no other.
WITH RECURSIVE held AS (
    SELECT subject.subject, state ->> 'series' AS series, state ->> 'title' AS title,
           state ->> 'chair' AS chair, started.at AS started_at,
           (started.at AT TIME ZONE known_until.zone)::date AS held_on,
           ARRAY(
               SELECT DISTINCT came.agency
                 FROM jsonb_to_recordset(state -> 'attendance') AS came (agency text, status text)
                WHERE came.status IN ('PRESENT', 'DELEGATED')
                ORDER BY came.agency
           ) AS attended
      FROM subject
     CROSS JOIN known_until
     CROSS JOIN LATERAL (SELECT (state ->> 'started_at')::timestamptz AS at) AS started
     WHERE kind = 'meeting'
       AND state ->> 'status' IN ('HELD', 'MINUTES_ADOPTED')
       AND state ->> 'series' IS NOT NULL
), published AS (
    -- Of two with the same effective_from, the one published last (events.md, section 6).
    SELECT DISTINCT ON (protocol.effective_from)
           protocol."offset", protocol.version, protocol.effective_from, protocol.meeting_series,
           greatest(
               protocol.effective_from, to_timestamp(directory_record.timestamp_ms / 1000.0)
           ) AS known_from
      FROM protocol
      JOIN directory_record USING ("offset")
     CROSS JOIN known_until
     WHERE to_timestamp(directory_record.timestamp_ms / 1000.0) <= known_until.moment
       AND protocol.effective_from <= known_until.moment
     ORDER BY protocol.effective_from, protocol."offset" DESC
), governing AS (
    SELECT published.version, published.meeting_series,
           (known_from AT TIME ZONE zone)::date AS known_on,
           (effective_from AT TIME ZONE zone)::date AS from_day,
           (lead(effective_from) OVER (ORDER BY effective_from) AT TIME ZONE zone)::date AS until_day
      FROM published
     CROSS JOIN known_until
), cadence AS (
    SELECT governing.version, governing.from_day, governing.until_day, wanted.series, wanted.title,
           wanted.every_days, wanted.tolerance_days, wanted.chair,
           ARRAY(SELECT jsonb_array_elements_text(wanted.members) ORDER BY 1) AS members,
           coalesce(
               wanted.starts,
               (SELECT min(held.held_on) FROM held WHERE held.series = wanted.series),
               governing.known_on + wanted.every_days
           ) AS first_on
      FROM governing
     CROSS JOIN LATERAL jsonb_to_recordset(governing.meeting_series) AS wanted (
               series text, title text, every_days integer, tolerance_days integer, chair text,
               members jsonb, starts date
           )
), due AS (
    SELECT cadence.*, cadence.first_on + nth * cadence.every_days AS due_on
      FROM cadence
     CROSS JOIN known_until
     CROSS JOIN LATERAL (
           SELECT (known_until.moment AT TIME ZONE known_until.zone)::date AS today
           ) AS clock
     CROSS JOIN LATERAL generate_series(
               greatest(0, ceil((from_day - first_on)::numeric / every_days)::integer),
               greatest(0, floor((today - first_on)::numeric / every_days)::integer + 1)
           ) AS nth
     WHERE until_day IS NULL OR first_on + nth * every_days < until_day
), occasion AS (
    SELECT due.*,
           row_number() OVER in_order AS n,
           coalesce(lag(due_on) OVER in_order, due_on - every_days) AS previous_on,
           least(lead(due_on) OVER in_order, due_on + every_days) AS next_on
      FROM due
    WINDOW in_order AS (PARTITION BY series ORDER BY due_on)
), served (series, n, subject, latest_at) AS (
    SELECT DISTINCT series, 0::bigint, NULL, '-infinity'::timestamptz
      FROM occasion
     UNION ALL
    SELECT occasion.series, occasion.n, found.subject,
           coalesce(found.started_at, served.latest_at)
      FROM served
      JOIN occasion ON occasion.series = served.series AND occasion.n = served.n + 1
      LEFT JOIN LATERAL (
           SELECT held.subject, held.started_at
             FROM held
            WHERE held.series = occasion.series
              AND held.held_on > occasion.previous_on
              AND held.held_on < occasion.next_on
              AND held.started_at > served.latest_at
            ORDER BY held.started_at
            LIMIT 1
           ) AS found ON true
)
SELECT occasion.series, coalesce(held.title, occasion.title) AS title, occasion.n,
       occasion.due_on, occasion.next_on,
       CASE
           WHEN held.held_on <= occasion.due_on + occasion.tolerance_days THEN 'KEPT'
           WHEN held.held_on IS NOT NULL THEN 'LATE'
           WHEN clock.today >= occasion.next_on THEN 'MISSED'
           WHEN clock.today >= occasion.due_on THEN 'DUE'
           ELSE 'UPCOMING'
       END AS outcome,
       coalesce(
           held.chair,
           occasion.chair,
           (SELECT meeting.state ->> 'chair'
              FROM subject AS meeting
             WHERE meeting.kind = 'meeting'
               AND meeting.state ->> 'series' = occasion.series
             ORDER BY (meeting.state ->> 'starts_at')::timestamptz DESC
             LIMIT 1)
       ) AS chair,
       held.subject, held.started_at,
       coalesce(held.attended, '{}'::text[]) AS attended,
       CASE
           WHEN held.subject IS NULL THEN '{}'::text[]
           ELSE ARRAY(
               SELECT unnest(occasion.members) EXCEPT SELECT unnest(held.attended) ORDER BY 1
           )
       END AS absent,
       occasion.every_days, occasion.tolerance_days, occasion.members,
       occasion.version AS protocol, 'MEETING' AS instrument, occasion.title AS series_title
  FROM served
  JOIN occasion USING (series, n)
  LEFT JOIN held ON held.subject = served.subject
 CROSS JOIN known_until
 CROSS JOIN LATERAL (
       SELECT (known_until.moment AT TIME ZONE known_until.zone)::date AS today
       ) AS clock
 UNION ALL
SELECT held.series, held.title, NULL, NULL, NULL, 'EXTRA', held.chair, held.subject,
       held.started_at, held.attended,
       ARRAY(SELECT unnest(cadence.members) EXCEPT SELECT unnest(held.attended) ORDER BY 1),
       cadence.every_days, cadence.tolerance_days, coalesce(cadence.members, '{}'::text[]),
       cadence.version, 'MEETING', cadence.title
  FROM held
  LEFT JOIN cadence
         ON cadence.series = held.series
        AND held.held_on >= cadence.from_day
        AND (cadence.until_day IS NULL OR held.held_on < cadence.until_day)
 WHERE NOT EXISTS (SELECT FROM served WHERE served.subject = held.subject)

-- name: indicator_monthly
WITH measured AS (
    SELECT 'RESPONSE_HOURS' AS indicator, instrument, to_agency AS agency, tied_at AS at,
           (extract(epoch FROM answered_at - tied_at) / 3600)::double precision AS value
      FROM agency_tie
     WHERE awaits_answer AND answered_at IS NOT NULL
     UNION ALL
    SELECT 'COMMITMENTS_KEPT', instrument, debtor, due_at, (outcome = 'KEPT')::integer
      FROM commitment_outcome
     WHERE outcome IN ('KEPT', 'LATE', 'BROKEN') AND due_at IS NOT NULL
     UNION ALL
    SELECT 'TRANSFERS_BOUNCED', 'LETTER', to_agency, offered_at, (status <> 'ACCEPTED')::integer
      FROM transfer
     WHERE status IN ('ACCEPTED', 'REFUSED', 'LAPSED')
     UNION ALL
    SELECT 'MEETINGS_KEPT', instrument, chair, due_on::timestamp AT TIME ZONE known_until.zone,
           (outcome = 'KEPT')::integer
      FROM meeting_series
     CROSS JOIN known_until
     WHERE outcome IN ('KEPT', 'LATE', 'MISSED')
     UNION ALL
    SELECT 'DECISIONS_CARRIED_OUT', instrument, agency, decided_at,
           (outcome = 'CARRIED_OUT')::integer
      FROM decision_outcome
     WHERE outcome IN ('CARRIED_OUT', 'BROKEN', 'NOT_TAKEN_UP')
), monthly AS (
    SELECT date_trunc('month', at AT TIME ZONE known_until.zone)::date AS month,
           indicator, instrument, agency, value
      FROM measured
     CROSS JOIN known_until
), tied AS (
    SELECT date_trunc('month', tied_at AT TIME ZONE known_until.zone)::date AS month,
           instrument, from_agency, to_agency, count(*) AS ties, bool_or(is_directed) AS is_directed
      FROM agency_tie
     CROSS JOIN known_until
     GROUP BY 1, instrument, from_agency, to_agency
), pair AS (
    SELECT month, coalesce(scope, 'ALL') AS instrument, from_agency, to_agency,
           bool_or(is_directed) AS is_directed
      FROM tied
     CROSS JOIN LATERAL (VALUES (instrument), ('ALL')) AS counted (scope)
     WHERE scope IS NOT NULL
     GROUP BY month, scope, from_agency, to_agency
), present AS (
    SELECT month, count(DISTINCT agency) AS agencies
      FROM tied
     CROSS JOIN LATERAL (VALUES (from_agency), (to_agency)) AS either (agency)
     GROUP BY month
)
SELECT month, indicator, instrument, agency, count(*) AS count,
       CASE indicator
           WHEN 'RESPONSE_HOURS' THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY value)
           ELSE avg(value)
       END AS value
  FROM monthly
 GROUP BY GROUPING SETS ((month, indicator, instrument, agency), (month, indicator, instrument))
HAVING agency IS NOT NULL OR grouping(agency) = 1
 UNION ALL
SELECT month, 'TIES', instrument, from_agency, sum(ties)::bigint, count(*)
  FROM tied
 GROUP BY month, instrument, from_agency
 UNION ALL
SELECT pair.month, 'NETWORK_DENSITY', pair.instrument, NULL, count(*),
       count(*)::double precision / (present.agencies * (present.agencies - 1))
  FROM pair
  JOIN present USING (month)
 GROUP BY pair.month, pair.instrument, present.agencies
 UNION ALL
SELECT pair.month, 'NETWORK_RECIPROCITY', pair.instrument, NULL, count(*),
       count(back.month)::double precision / count(*)
  FROM pair
  LEFT JOIN pair AS back
         ON back.month = pair.month
        AND back.instrument = pair.instrument
        AND back.from_agency = pair.to_agency
        AND back.to_agency = pair.from_agency
        AND back.is_directed
 WHERE pair.is_directed
 GROUP BY pair.month, pair.instrument
