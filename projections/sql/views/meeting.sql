-- Meetings, and who came.

CREATE OR REPLACE VIEW {views}.meeting AS
SELECT subject,
       split_part(subject, '/', 2) AS meeting_id,
       state ->> 'status' AS status,
       state ->> 'title' AS title,
       state ->> 'series' AS series,
       state ->> 'chair' AS chair,
       state ->> 'mode' AS mode,
       (state ->> 'starts_at')::timestamptz AS starts_at,
       (state ->> 'started_at')::timestamptz AS started_at,
       (state ->> 'ended_at')::timestamptz AS ended_at,
       ARRAY(SELECT jsonb_array_elements_text(state -> 'invitees')) AS invitees,
       ARRAY(SELECT jsonb_array_elements_text(state -> 'agenda')) AS agenda,
       ARRAY(SELECT jsonb_array_elements_text(state -> 'cases')) AS cases,
       ARRAY(SELECT jsonb_array_elements_text(state -> 'minutes_adopters')) AS minutes_adopters,
       (state ->> 'open_commitments')::integer AS open_commitments,
       last_recorded_at
  FROM subject
 WHERE kind = 'meeting' AND state IS NOT NULL;

COMMENT ON VIEW {views}.meeting IS 'Coordination meetings as they are now (rapat koordinasi).';
COMMENT ON COLUMN {views}.meeting.subject IS 'The meeting''s stream of events, meeting/ID (pokok perkara).';
COMMENT ON COLUMN {views}.meeting.meeting_id IS 'Its id without the kind (nomor rapat).';
COMMENT ON COLUMN {views}.meeting.status IS 'SCHEDULED, HELD, CANCELLED or MINUTES_ADOPTED (status).';
COMMENT ON COLUMN {views}.meeting.title IS 'What it is about (acara).';
COMMENT ON COLUMN {views}.meeting.series IS 'Series of recurring meetings that it belongs to; null if none (seri rapat).';
COMMENT ON COLUMN {views}.meeting.chair IS 'Agency that leads it (pimpinan rapat).';
COMMENT ON COLUMN {views}.meeting.mode IS 'IN_PERSON, ONLINE or HYBRID (cara).';
COMMENT ON COLUMN {views}.meeting.starts_at IS 'When it was to begin (jadwal mulai).';
COMMENT ON COLUMN {views}.meeting.started_at IS 'When it began; null until it was held (waktu mulai).';
COMMENT ON COLUMN {views}.meeting.ended_at IS 'When it ended; null until it was held (waktu selesai).';
COMMENT ON COLUMN {views}.meeting.invitees IS 'Agencies invited, sorted (undangan).';
COMMENT ON COLUMN {views}.meeting.agenda IS 'What was to be discussed, in order (agenda).';
COMMENT ON COLUMN {views}.meeting.cases IS 'Cases to be discussed (kasus yang dibahas).';
COMMENT ON COLUMN {views}.meeting.minutes_adopters IS 'Agencies that adopted the minutes, sorted (pengesah notula).';
COMMENT ON COLUMN {views}.meeting.open_commitments IS 'Commitments on it that are OPEN or REPORTED (komitmen terbuka).';
COMMENT ON COLUMN {views}.meeting.last_recorded_at IS 'When the last of its events was recorded (terakhir tercatat).';

CREATE OR REPLACE VIEW {views}.meeting_attendance AS
SELECT subject.subject,
       attendance.agency,
       attendance.officer_role,
       attendance.status,
       attendance.status IN ('PRESENT', 'DELEGATED') AS attended
  FROM subject
 CROSS JOIN LATERAL jsonb_to_recordset(subject.state -> 'attendance')
         AS attendance (agency text, officer_role text, status text)
 WHERE subject.kind = 'meeting';

COMMENT ON VIEW {views}.meeting_attendance IS 'Who came to meetings that were held (daftar hadir).';
COMMENT ON COLUMN {views}.meeting_attendance.subject IS 'The meeting, meeting/ID (pokok perkara).';
COMMENT ON COLUMN {views}.meeting_attendance.agency IS 'The agency (instansi).';
COMMENT ON COLUMN {views}.meeting_attendance.officer_role IS 'Role of its officer, never a name (jabatan wakil).';
COMMENT ON COLUMN {views}.meeting_attendance.status IS 'PRESENT, DELEGATED, EXCUSED or ABSENT (kehadiran).';
COMMENT ON COLUMN {views}.meeting_attendance.attended IS 'Present or represented by a delegate (hadir atau diwakilkan).';
