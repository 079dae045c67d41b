-- Cases: what is so now, what happened, who was responsible.

CREATE OR REPLACE VIEW {views}.case_current AS {case_current};

COMMENT ON VIEW {views}.case_current IS 'Cases as they are now (kasus): one row a case that an effective CaseReported created.';
COMMENT ON COLUMN {views}.case_current.subject IS 'The case''s stream of events, case/ID (pokok perkara).';
COMMENT ON COLUMN {views}.case_current.case_id IS 'Its id without the kind (nomor kasus).';
COMMENT ON COLUMN {views}.case_current.status IS 'REPORTED, IN_HANDLING, RESOLVED, CLOSED, REJECTED or MERGED (status).';
COMMENT ON COLUMN {views}.case_current.is_open IS 'Neither closed, rejected nor merged (masih terbuka).';
COMMENT ON COLUMN {views}.case_current.custodian IS 'Agency responsible now, or last if the case has ended (penanggung jawab kasus).';
COMMENT ON COLUMN {views}.case_current.custodian_since IS 'Since when it is responsible (sejak).';
COMMENT ON COLUMN {views}.case_current.reporter IS 'Agency that recorded the complaint (instansi pencatat pengaduan).';
COMMENT ON COLUMN {views}.case_current.category IS 'What the complaint is about (kategori pengaduan).';
COMMENT ON COLUMN {views}.case_current.urgency IS 'IMMEDIATE, URGENT or NORMAL (derajat).';
COMMENT ON COLUMN {views}.case_current.phase IS 'BEFORE, DURING or AFTER work (tahap).';
COMMENT ON COLUMN {views}.case_current.country IS 'Country, ISO 3166 alpha-2 (negara).';
COMMENT ON COLUMN {views}.case_current.trafficking IS 'Whether there are indications of trafficking (TPPO).';
COMMENT ON COLUMN {views}.case_current.participants IS 'Agencies that act or were addressed, sorted (pihak yang terlibat).';
COMMENT ON COLUMN {views}.case_current.open_transfer_id IS 'The offer that waits for an answer (pelimpahan terbuka).';
COMMENT ON COLUMN {views}.case_current.open_transfer_to IS 'Agency that has to answer it (tujuan pelimpahan).';
COMMENT ON COLUMN {views}.case_current.escalation_due IS 'Two offers in a row were refused or lapsed (perlu eskalasi).';
COMMENT ON COLUMN {views}.case_current.arbiter IS 'Agency before which a transfer was brought (pemutus).';
COMMENT ON COLUMN {views}.case_current.locally_closed_by IS 'Agencies that closed it in their own systems (ditutup di sistem instansi).';
COMMENT ON COLUMN {views}.case_current.merged_into IS 'The surviving case, if merged (kasus penerus).';
COMMENT ON COLUMN {views}.case_current.absorbed IS 'How many other cases it took in (kasus yang diserap).';
COMMENT ON COLUMN {views}.case_current.open_commitments IS 'Commitments that are OPEN or REPORTED (komitmen terbuka).';
COMMENT ON COLUMN {views}.case_current.opened_at IS 'When the complaint was taken in (waktu pengaduan).';
COMMENT ON COLUMN {views}.case_current.closed_at IS 'When it was closed, rejected or merged (waktu penutupan).';
COMMENT ON COLUMN {views}.case_current.events IS 'Events recorded (jumlah peristiwa).';
COMMENT ON COLUMN {views}.case_current.irregular IS 'Of these, irregular ones (tidak sah).';
COMMENT ON COLUMN {views}.case_current.duplicate IS 'Of these, duplicates (ganda).';
COMMENT ON COLUMN {views}.case_current.corrected IS 'Of these, corrected ones (dikoreksi).';
COMMENT ON COLUMN {views}.case_current.last_recorded_at IS 'When the last of them was recorded (terakhir tercatat).';

CREATE OR REPLACE VIEW {views}.case_history AS
SELECT subject, seq, event_id, type, agency, occurred_at, recorded_at, partition, "offset",
       verdict, codes, differs, signature, data
  FROM history
 WHERE subject LIKE 'case/%';

COMMENT ON VIEW {views}.case_history IS 'Every event of every case with its verdict, in log order by seq (riwayat kasus).';
COMMENT ON COLUMN {views}.case_history.subject IS 'The case, case/ID (pokok perkara).';
COMMENT ON COLUMN {views}.case_history.seq IS 'Number of the event within its case, from 1 (nomor urut).';
COMMENT ON COLUMN {views}.case_history.event_id IS 'The emitter''s id of the event (nomor peristiwa).';
COMMENT ON COLUMN {views}.case_history.type IS 'Type of the event, such as LetterSent (jenis peristiwa).';
COMMENT ON COLUMN {views}.case_history.agency IS 'Agency that emitted it (instansi pengirim).';
COMMENT ON COLUMN {views}.case_history.occurred_at IS 'When it happened, as the agency says (waktu kejadian).';
COMMENT ON COLUMN {views}.case_history.recorded_at IS 'When the broker recorded it (waktu tercatat).';
COMMENT ON COLUMN {views}.case_history.partition IS 'Partition of the log in which it lies (partisi).';
COMMENT ON COLUMN {views}.case_history."offset" IS 'Its offset there (posisi).';
COMMENT ON COLUMN {views}.case_history.verdict IS 'EFFECTIVE, IRREGULAR, DUPLICATE or CORRECTED (putusan: sah, tidak sah, ganda, dikoreksi).';
COMMENT ON COLUMN {views}.case_history.codes IS 'Why it is irregular, sorted (alasan tidak sah).';
COMMENT ON COLUMN {views}.case_history.differs IS 'A duplicate whose content is another than that of the first (ganda dengan isi berbeda).';
COMMENT ON COLUMN {views}.case_history.signature IS 'VALID, UNSIGNED or what is wrong with it (tanda tangan).';
COMMENT ON COLUMN {views}.case_history.data IS 'What the event says, in its JSON form (isi peristiwa).';

CREATE OR REPLACE VIEW {views}.custody_interval AS
SELECT subject, n, agency, started_at, ended_at, event_id
  FROM custody_interval;

COMMENT ON VIEW {views}.custody_interval IS 'Who was responsible for a case from when to when, without gap or overlap while it was open (masa tanggung jawab).';
COMMENT ON COLUMN {views}.custody_interval.subject IS 'The case, case/ID (pokok perkara).';
COMMENT ON COLUMN {views}.custody_interval.n IS 'Number of the interval within the case, from 1 (nomor urut).';
COMMENT ON COLUMN {views}.custody_interval.agency IS 'The custodian (penanggung jawab kasus).';
COMMENT ON COLUMN {views}.custody_interval.started_at IS 'From when (mulai).';
COMMENT ON COLUMN {views}.custody_interval.ended_at IS 'Until when; null while it runs (selesai).';
COMMENT ON COLUMN {views}.custody_interval.event_id IS 'Event that began it (peristiwa yang memulai).';

CREATE OR REPLACE VIEW {views}.transfer AS
SELECT subject, transfer_id, from_agency, to_agency, ground, reason, offered_at, status,
       answered_at, answer_ground, answer_reason
  FROM transfer;

COMMENT ON VIEW {views}.transfer IS 'Offers of a case to another custodian (pelimpahan).';
COMMENT ON COLUMN {views}.transfer.subject IS 'The case, case/ID (pokok perkara).';
COMMENT ON COLUMN {views}.transfer.transfer_id IS 'Its id within the case (nomor pelimpahan).';
COMMENT ON COLUMN {views}.transfer.from_agency IS 'Custodian that offered (instansi asal).';
COMMENT ON COLUMN {views}.transfer.to_agency IS 'Agency to which the case was offered (instansi tujuan).';
COMMENT ON COLUMN {views}.transfer.ground IS 'MANDATE, JURISDICTION, CAPACITY, REQUEST or OTHER (dasar pelimpahan).';
COMMENT ON COLUMN {views}.transfer.reason IS 'Why, in words (alasan).';
COMMENT ON COLUMN {views}.transfer.offered_at IS 'When it was offered (waktu penawaran).';
COMMENT ON COLUMN {views}.transfer.status IS 'OPEN, ACCEPTED, REFUSED, WITHDRAWN, LAPSED or CANCELLED (status).';
COMMENT ON COLUMN {views}.transfer.answered_at IS 'When it was answered or ended (waktu jawaban).';
COMMENT ON COLUMN {views}.transfer.answer_ground IS 'Ground of a refusal (dasar penolakan).';
COMMENT ON COLUMN {views}.transfer.answer_reason IS 'Reason of a refusal (alasan penolakan).';

CREATE OR REPLACE VIEW {views}.merge_unabsorbed AS
SELECT absorbed.subject,
       absorbed.state ->> 'merged_into' AS survivor,
       (absorbed.state ->> 'closed_at')::timestamptz AS merged_at,
       survivor.state IS NOT NULL AS survivor_exists
  FROM subject AS absorbed
  LEFT JOIN subject AS survivor ON survivor.subject = absorbed.state ->> 'merged_into'
 WHERE absorbed.kind = 'case'
   AND absorbed.state ->> 'status' = 'MERGED'
   AND NOT EXISTS (
           SELECT FROM absorption
            WHERE absorption.subject = absorbed.state ->> 'merged_into'
              AND absorption.absorbed = absorbed.subject
       );

COMMENT ON VIEW {views}.merge_unabsorbed IS 'Merged cases whose surviving case has no CaseAbsorbed of them (penggabungan tanpa penyerapan).';
COMMENT ON COLUMN {views}.merge_unabsorbed.subject IS 'The merged case (kasus yang digabung).';
COMMENT ON COLUMN {views}.merge_unabsorbed.survivor IS 'The case that should have absorbed it (kasus penerus).';
COMMENT ON COLUMN {views}.merge_unabsorbed.merged_at IS 'When it was merged (waktu penggabungan).';
COMMENT ON COLUMN {views}.merge_unabsorbed.survivor_exists IS 'Whether the surviving case exists in the ledger (kasus penerus ada).';
