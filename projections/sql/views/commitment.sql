-- What agencies decided together and owe each other, on whatever subject.

CREATE OR REPLACE VIEW {views}.commitment AS
SELECT subject, commitment_id, kind, debtor, creditor, what, due_at, status,
       status IN ('OPEN', 'REPORTED') AS is_owed,
       coalesce(fulfilled_at > due_at, false) AS late,
       made_at, reported_at, fulfilled_at, breached_at, escalated_to, escalation_level, rule,
       source_event
  FROM commitment;

COMMENT ON VIEW {views}.commitment IS 'Who owes what to whom by when, made by hand or by an event (komitmen).';
COMMENT ON COLUMN {views}.commitment.subject IS 'Case, meeting or agreement on which it stands (pokok perkara).';
COMMENT ON COLUMN {views}.commitment.commitment_id IS 'Its id within the subject; KIND:SOURCE:DEBTOR if an event opened it (nomor komitmen).';
COMMENT ON COLUMN {views}.commitment.kind IS 'PROMISE if made by hand, else what is awaited, such as LETTER_REPLY (jenis).';
COMMENT ON COLUMN {views}.commitment.debtor IS 'Agency that owes (penanggung jawab, PIC).';
COMMENT ON COLUMN {views}.commitment.creditor IS 'Agency to which it is owed; for minutes the meeting (penerima komitmen).';
COMMENT ON COLUMN {views}.commitment.what IS 'What is owed, in words (isi komitmen).';
COMMENT ON COLUMN {views}.commitment.due_at IS 'Its limit; null where no protocol was known (tenggat).';
COMMENT ON COLUMN {views}.commitment.status IS 'PROPOSED, OPEN, REPORTED, FULFILLED, DECLINED, CANCELLED or LAPSED (status).';
COMMENT ON COLUMN {views}.commitment.is_owed IS 'OPEN or REPORTED; overdue at T is is_owed AND due_at < T (masih terutang).';
COMMENT ON COLUMN {views}.commitment.late IS 'Fulfilled after its limit (terlambat).';
COMMENT ON COLUMN {views}.commitment.made_at IS 'When it was made (waktu dibuat).';
COMMENT ON COLUMN {views}.commitment.reported_at IS 'When the debtor reported it as fulfilled (waktu dilaporkan terpenuhi).';
COMMENT ON COLUMN {views}.commitment.fulfilled_at IS 'When it was fulfilled (waktu terpenuhi).';
COMMENT ON COLUMN {views}.commitment.breached_at IS 'When it was first stated to be breached (waktu dilanggar).';
COMMENT ON COLUMN {views}.commitment.escalated_to IS 'Office before which it was last brought (eskalasi kepada).';
COMMENT ON COLUMN {views}.commitment.escalation_level IS 'Level of that escalation, 0 without one (tingkat eskalasi).';
COMMENT ON COLUMN {views}.commitment.rule IS 'Protocol version and limit that gave the due date; null where the event itself did (aturan protokol).';
COMMENT ON COLUMN {views}.commitment.source_event IS 'Event that made it (peristiwa asal).';

CREATE OR REPLACE VIEW {views}.decision AS
SELECT subject, decision_id, meeting, agency, text, adopters, follow_up, decided_at
  FROM decision;

COMMENT ON VIEW {views}.decision IS 'Decisions of meetings, on the case or meeting on which they are recorded (keputusan).';
COMMENT ON COLUMN {views}.decision.subject IS 'Case or meeting on which it stands (pokok perkara).';
COMMENT ON COLUMN {views}.decision.decision_id IS 'Its id within the subject (nomor keputusan).';
COMMENT ON COLUMN {views}.decision.meeting IS 'Meeting that took it (rapat).';
COMMENT ON COLUMN {views}.decision.agency IS 'Agency that recorded it (instansi pencatat).';
COMMENT ON COLUMN {views}.decision.text IS 'What was decided (isi keputusan).';
COMMENT ON COLUMN {views}.decision.adopters IS 'Agencies that adopted it, sorted (penyetuju).';
COMMENT ON COLUMN {views}.decision.follow_up IS 'NO_ACTION or COMMITMENTS (tindak lanjut).';
COMMENT ON COLUMN {views}.decision.decided_at IS 'When it was taken (waktu keputusan).';
