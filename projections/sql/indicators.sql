-- Queries of projections/indicators.py and meetings.py. {measures} are those of sql/measures.sql that
-- a query names.
-- Each asks for a period (since, until: null for open ends) and for one agency, or all where it is
-- null.

-- name: response_time
WITH {measures}
SELECT from_agency, to_agency, kind, instrument,
       count(*) AS asked,
       count(answered_at) AS answered,
       (extract(epoch FROM
           percentile_cont(0.5) WITHIN GROUP (ORDER BY answered_at - tied_at)
               FILTER (WHERE answered_at >= tied_at)
       ) / 3600)::double precision AS median_hours,
       (extract(epoch FROM
           percentile_cont(0.9) WITHIN GROUP (ORDER BY answered_at - tied_at)
               FILTER (WHERE answered_at >= tied_at)
       ) / 3600)::double precision AS p90_hours
  FROM agency_tie
 WHERE awaits_answer
   AND (%(since)s::timestamptz IS NULL OR tied_at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR tied_at < %(until)s)
   AND (%(agency)s::text IS NULL OR %(agency)s IN (from_agency, to_agency))
 GROUP BY from_agency, to_agency, kind, instrument
 ORDER BY from_agency, to_agency, kind;

-- name: commitments
WITH {measures}
SELECT debtor AS agency, instrument,
       count(*) FILTER (WHERE outcome = 'KEPT') AS kept,
       count(*) FILTER (WHERE outcome = 'LATE') AS late,
       count(*) FILTER (WHERE outcome = 'BROKEN') AS broken,
       avg((outcome = 'KEPT')::integer)::double precision AS share_kept
  FROM commitment_outcome
 WHERE outcome IN ('KEPT', 'LATE', 'BROKEN')
   AND due_at IS NOT NULL
   AND (%(since)s::timestamptz IS NULL OR due_at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR due_at < %(until)s)
   AND (%(agency)s::text IS NULL OR debtor = %(agency)s)
 GROUP BY debtor, instrument
 ORDER BY debtor, instrument NULLS LAST;

-- name: transfers
-- Pair by pair, and last all together.
SELECT from_agency, to_agency, 'LETTER' AS instrument,
       count(*) FILTER (WHERE status = 'ACCEPTED') AS accepted,
       count(*) FILTER (WHERE status = 'REFUSED') AS refused,
       count(*) FILTER (WHERE status = 'LAPSED') AS lapsed,
       avg((status <> 'ACCEPTED')::integer)::double precision AS bounce_rate
  FROM transfer
 WHERE status IN ('ACCEPTED', 'REFUSED', 'LAPSED')
   AND (%(since)s::timestamptz IS NULL OR offered_at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR offered_at < %(until)s)
   AND (%(agency)s::text IS NULL OR %(agency)s IN (from_agency, to_agency))
 GROUP BY GROUPING SETS ((from_agency, to_agency), ())
HAVING count(*) > 0
 ORDER BY from_agency NULLS LAST, to_agency;

-- name: movement
-- Of the cases that are open at the moment asked for, whatever the period.
WITH {measures}
SELECT custodian AS agency, NULL AS instrument,
       count(*) AS open_cases,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY still.hours) AS median_hours,
       max(still.hours) AS longest_hours,
       (array_agg(subject ORDER BY still.hours DESC, subject))[1] AS longest
  FROM case_movement
 CROSS JOIN known_until
 CROSS JOIN LATERAL (
       SELECT (greatest(extract(epoch FROM known_until.moment - moved_at), 0) / 3600)
                  ::double precision AS hours
       ) AS still
 WHERE (%(agency)s::text IS NULL OR custodian = %(agency)s)
 GROUP BY custodian
 ORDER BY custodian;

-- name: meetings
WITH {measures}
SELECT series, chair AS agency, instrument,
       count(*) FILTER (WHERE outcome = 'KEPT') AS kept,
       count(*) FILTER (WHERE outcome = 'LATE') AS late,
       count(*) FILTER (WHERE outcome = 'MISSED') AS missed,
       avg((outcome = 'KEPT')::integer)::double precision AS share_kept
  FROM meeting_series
 CROSS JOIN known_until
 CROSS JOIN LATERAL (SELECT due_on::timestamp AT TIME ZONE known_until.zone AS at) AS due
 WHERE outcome IN ('KEPT', 'LATE', 'MISSED')
   AND (%(since)s::timestamptz IS NULL OR due.at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR due.at < %(until)s)
   AND (%(agency)s::text IS NULL OR chair = %(agency)s)
 GROUP BY series, chair, instrument
 ORDER BY series, chair;

-- name: decisions
WITH {measures}
SELECT agency, instrument,
       count(*) FILTER (WHERE outcome = 'CARRIED_OUT') AS carried_out,
       count(*) FILTER (WHERE outcome = 'BROKEN') AS broken,
       count(*) FILTER (WHERE outcome = 'NOT_TAKEN_UP') AS not_taken_up,
       count(*) FILTER (WHERE outcome = 'PENDING') AS pending,
       (avg((outcome = 'CARRIED_OUT')::integer) FILTER (WHERE outcome <> 'PENDING'))
           ::double precision AS share_carried_out
  FROM decision_outcome
 WHERE outcome <> 'NO_ACTION'
   AND (%(since)s::timestamptz IS NULL OR decided_at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR decided_at < %(until)s)
   AND (%(agency)s::text IS NULL OR agency = %(agency)s)
 GROUP BY agency, instrument
 ORDER BY agency;

-- name: network
-- Of one agency: its own ties, out of all that it could have with the others.
WITH {measures}, tied AS (
    SELECT instrument, from_agency, to_agency, count(*) AS ties, bool_or(is_directed) AS is_directed
      FROM agency_tie
     WHERE (%(since)s::timestamptz IS NULL OR tied_at >= %(since)s)
       AND (%(until)s::timestamptz IS NULL OR tied_at < %(until)s)
     GROUP BY instrument, from_agency, to_agency
), present AS (
    SELECT count(DISTINCT either.agency) AS agencies
      FROM tied
     CROSS JOIN LATERAL (VALUES (from_agency), (to_agency)) AS either (agency)
), pair AS (
    SELECT counted.scope AS instrument, from_agency, to_agency, sum(ties) AS ties,
           bool_or(is_directed) AS is_directed
      FROM tied
     CROSS JOIN LATERAL (VALUES (tied.instrument), ('ALL')) AS counted (scope)
     WHERE counted.scope IS NOT NULL
       AND (%(agency)s::text IS NULL OR %(agency)s IN (from_agency, to_agency))
     GROUP BY counted.scope, from_agency, to_agency
)
SELECT pair.instrument, present.agencies, sum(pair.ties)::bigint AS ties, count(*) AS pairs,
       possible.pairs AS possible_pairs,
       count(*)::double precision / possible.pairs AS density,
       count(back.instrument) FILTER (WHERE pair.is_directed)::double precision
           / nullif(count(*) FILTER (WHERE pair.is_directed), 0) AS reciprocity
  FROM pair
 CROSS JOIN present
 CROSS JOIN LATERAL (
       SELECT (agencies - 1)
                  * CASE WHEN %(agency)s::text IS NULL THEN agencies ELSE 2 END AS pairs
       ) AS possible
  LEFT JOIN pair AS back
         ON back.instrument = pair.instrument
        AND back.from_agency = pair.to_agency
        AND back.to_agency = pair.from_agency
        AND back.is_directed
 GROUP BY pair.instrument, present.agencies, possible.pairs
 ORDER BY pair.instrument = 'ALL', pair.instrument;

-- name: occasions
WITH {measures}
SELECT series, series_title, n, title, due_on, next_on, outcome, chair, subject, started_at,
       attended, absent, every_days, tolerance_days, members, protocol, instrument
  FROM meeting_series
 CROSS JOIN known_until
 WHERE (%(series)s::text IS NULL OR series = %(series)s)
 ORDER BY series, coalesce(due_on, (started_at AT TIME ZONE known_until.zone)::date), started_at;

-- name: positions
-- In each partition one past the last event that was recorded by a moment.
SELECT position.partition, latest."offset" + 1
  FROM position
 CROSS JOIN LATERAL (
       SELECT "offset"
         FROM history
        WHERE history.partition = position.partition AND history.recorded_at <= %(moment)s
        ORDER BY "offset" DESC
        LIMIT 1
       ) AS latest
 ORDER BY position.partition;

-- name: directory_offset
-- The last directory record that was written by a moment.
SELECT max("offset")
  FROM directory_record
 WHERE to_timestamp(timestamp_ms / 1000.0) <= %(moment)s;

-- name: changed
-- Whether anything was recorded after a moment.
SELECT EXISTS (SELECT FROM subject WHERE last_recorded_at > %(moment)s);
